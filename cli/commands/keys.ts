import type { CommandModule } from '../command.js';
import { print, shownName } from '../output.js';
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
    let separator = '';
    if (session.json) await print('[');
    for await (const keys of keyPages(client, session.eventOptions({ prefix: prefix ?? '' }))) {
      if (keys.length === 0) continue;
      if (session.json) await print(separator + keys.map((key) => JSON.stringify(key)).join(','));
      else await print(keys.map((key) => `${shownName(key)}\n`).join(''));
      separator = ',';
    }
    if (session.json) await print(']\n');
    return undefined;
  },
};
