import type { CommandModule } from '../command.js';
import { printNames } from '../names.js';
import { keyPages } from '../pages.js';

export const command: CommandModule = {
  usage: {
    arguments: [['[prefix]', 'only keys that begin so']],
    details: `One key a line, all of them, in the order of their bytes. A key with a line break or another
control character in it is printed as a JSON string; with --json all are, in one array.`,
    examples: ['config1 keys', 'config1 keys user:', 'config1 ls --json'],
  },

  async run({ arguments: [prefix], session }) {
    const client = await session.connect();
    const options = session.eventOptions({ prefix: prefix ?? '' });
    await printNames(keyPages(client, options), session.json);
    return undefined;
  },
};
