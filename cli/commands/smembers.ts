import { required, type CommandModule } from '../command.js';
import { printNames } from '../names.js';
import { memberPages } from '../pages.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<key>', 'the key, in a bucket with the policy set']],
    details: `One member a line, all of them, in the order of their bytes; one with a line break or another control
character in it as a JSON string. With --json all are, in one array. A set without members prints
nothing.`,
    examples: ['config1 smembers article --bucket tags'],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const client = await session.connect();
    await printNames(memberPages(client, key, session.eventOptions()), session.json);
    return undefined;
  },
};
