import type { CommandModule } from '../command.js';
import { changeMembers } from '../set-members.js';

export const command: CommandModule = {
  usage: {
    arguments: [
      ['<key>', 'the key, in a bucket with the policy set'],
      ['<member...>', 'what to remove: strings, at most 1000'],
    ],
    details: `Prints how many of them were in the set. rumeur delete <key> removes all members that the peer knows.`,
    examples: ['config1 srem article histoire --bucket tags'],
  },
  run: (context) => changeMembers('srem', context),
};
