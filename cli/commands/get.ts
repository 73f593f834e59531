import { RumeurError } from '../../src/base/errors.js';
import type { PeerClient } from '../client.js';
import { required, type CommandModule } from '../command.js';
import { print } from '../output.js';
import type { Session } from '../session.js';
import { shownValue } from '../values.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<key>', 'the key']],
    options: [['--siblings', 'all values that stand side by side, and the context to replace them']],
    details: `Strings are printed bare, everything else as JSON exactly as stored; with --json strings as
JSON too. A missing key is a message on stderr and exit code 1. With --siblings one value a line, as
JSON, and last a line context <text>, which set --context takes; with --json one document.`,
    examples: [
      'config1 get Ville',
      'config1 get compte --json',
      '--url localhost:3002 get Ville',
      'config1 get panier --siblings --bucket carts',
    ],
  },

  async run(context) {
    const { session } = context;
    const key = required(context, 0);
    const client = await session.connect();
    if (context.options['siblings'] === true) return printSiblings(client, key, session);
    const { value, found } = await client.call('get', key, session.rawOptions());
    if (found === false || typeof value !== 'string') {
      throw new RumeurError('NOT_FOUND', `no such key: ${JSON.stringify(key)}`);
    }
    await print(`${session.json ? value : shownValue(value)}\n`);
    return undefined;
  },
};

/** @throws RumeurError `NOT_FOUND` for a key without values */
async function printSiblings(client: PeerClient, key: string, session: Session): Promise<undefined> {
  const { value, context } = await client.call('get', key, session.rawOptions({ siblings: true }));
  const values = Array.isArray(value) ? value.map(String) : [];
  if (session.json) {
    await print(`{"values":[${values.join(',')}],"context":${JSON.stringify(context ?? null)}}\n`);
  } else {
    const lines = values.map((text) => `${text}\n`).join('');
    await print(values.length === 0 ? '' : `${lines}context ${String(context)}\n`);
  }
  if (values.length === 0) throw new RumeurError('NOT_FOUND', `no such key: ${JSON.stringify(key)}`);
  return undefined;
}
