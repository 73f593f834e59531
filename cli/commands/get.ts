import { RumeurError } from '../../src/base/errors.js';
import { required, type CommandModule } from '../command.js';
import { print } from '../output.js';
import { shownValue } from '../values.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<key>', 'the key']],
    details: `Strings are printed bare, everything else as JSON exactly as stored; with --json strings as
JSON too. A missing key is a message on stderr and exit code 1.`,
    examples: ['config1 get Ville', 'config1 get compte --json', '--url localhost:3002 get Ville'],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const client = await session.connect();
    const { value, found } = await client.call('get', key, session.rawOptions());
    if (found === false || typeof value !== 'string') {
      throw new RumeurError('NOT_FOUND', `no such key: ${JSON.stringify(key)}`);
    }
    await print(`${session.json ? value : shownValue(value)}\n`);
    return undefined;
  },
};
