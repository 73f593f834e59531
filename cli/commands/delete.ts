import { RumeurError } from '../../src/base/errors.js';
import { isRecord } from '../client.js';
import { contextOption, required, type CommandModule } from '../command.js';
import { print } from '../output.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<key>', 'the key']],
    options: [['--context <text>', 'delete the values that get --siblings has shown with this context']],
    details: 'Prints OK; when there was nothing to delete, a message on stderr and exit code 1.',
    examples: ['config1 delete Ville', 'config1 rm Ville'],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const client = await session.connect();
    const { value } = await client.call('delete', key, session.eventOptions(contextOption(context)));
    if (session.json) await print(`${JSON.stringify(value)}\n`);
    if (!isRecord(value) || value['found'] !== true) {
      throw new RumeurError('NOT_FOUND', `no such key: ${JSON.stringify(key)}`);
    }
    if (!session.json) await print('OK\n');
    return undefined;
  },
};
