import type { CommandModule } from '../command.js';
import { changeMembers } from '../set-members.js';

export const command: CommandModule = {
  usage: {
    arguments: [
      ['<key>', 'the key, in a bucket with the policy set'],
      ['<member...>', 'what to add: strings, at most 1000'],
    ],
    details: `Prints how many of them are new. An add wins over a remove that is made elsewhere at the same time.`,
    examples: ['config1 sadd article ville histoire --bucket tags'],
  },
  run: (context) => changeMembers('sadd', context),
};
