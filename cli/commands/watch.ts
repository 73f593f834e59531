import { toRumeurError } from '../../src/base/errors.js';
import { bodyError, isRecord, type PeerClient } from '../client.js';
import type { CommandModule } from '../command.js';
import { note, print, shownName } from '../output.js';
import type { Session } from '../session.js';

export const command: CommandModule = {
  usage: {
    arguments: [['[prefix]', 'only keys that begin so']],
    details: `One change a line as it happens at this peer, wherever it was written: set <key> <value as JSON>,
or delete <key>; of sets add <key> <member> and remove <key> <member>. Values that stand side by side are
shown by the greatest of them, with their number: set <key> <value> (+1). Goes on until interrupted; when the connection is lost it says so on stderr,
connects again, and goes on with what changes from then on.`,
    examples: ['config1 watch', 'config1 watch user: --json'],
  },

  async run({ arguments: [prefix = ''], session }) {
    const client = await session.connect({ reconnect: true });
    await new Promise<void>((resolve, reject) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
      client.on('change', (change) => {
        show(change, session.json).catch(reject);
      });
      client.on('failed', (failure) =>
        reject(bodyError(isRecord(failure) ? failure['error'] : failure, 'watch failed')),
      );
      const begin = (): void => {
        subscribe(client, session, prefix).catch(reject);
      };
      client.onConnection(
        () => note(`lost the connection to ${client.url}; connecting again`),
        () => {
          note(`connected to ${client.url} again; what changed in between is not shown`);
          begin();
        },
      );
      begin();
    });
    return undefined;
  },
};

async function subscribe(client: PeerClient, session: Session, prefix: string): Promise<void> {
  try {
    await client.call('watch', session.rawOptions({ prefix }));
    note(
      `watching ${prefix === '' ? 'all keys' : `keys that begin with ${shownName(prefix)}`} at ${client.url}`,
    );
  } catch (thrown) {
    const error = toRumeurError(thrown);
    // Lost again before the answer: the next connection begins anew.
    if (error.code !== 'PEER_UNREACHABLE') throw error;
  }
}

async function show(change: unknown, json: boolean): Promise<void> {
  await print(`${json ? changeJson(change) : changeLine(change)}\n`);
}

interface Change {
  readonly bucket: string;
  readonly key: string;
  /** JSON text, `undefined` when the key was deleted, and of sets. */
  readonly value: string | undefined;
  readonly siblings: number | undefined;
  /** Of sets: what came or went. */
  readonly member: { readonly name: string; readonly added: boolean } | undefined;
  readonly dot: string;
  readonly stamp: string;
}

function read(message: unknown): Change {
  if (!isRecord(message)) throw new TypeError('a change that is no object');
  const { bucket, key, value, siblings, member, added, dot, stamp } = message;
  return {
    bucket: String(bucket),
    key: String(key),
    value: typeof value === 'string' ? value : undefined,
    siblings: typeof siblings === 'number' ? siblings : undefined,
    member: typeof member === 'string' ? { name: member, added: added === true } : undefined,
    dot: String(dot),
    stamp: String(stamp),
  };
}

export function changeLine(message: unknown): string {
  const { key, value, siblings, member } = read(message);
  if (member) return `${member.added ? 'add' : 'remove'} ${shownName(key)} ${shownName(member.name)}`;
  if (value === undefined) return `delete ${shownName(key)}`;
  return `set ${shownName(key)} ${value}${siblings === undefined ? '' : ` (+${siblings - 1})`}`;
}

/** The value stands in it as it was stored, digit by digit. */
export function changeJson(message: unknown): string {
  const { bucket, key, dot, stamp, ...what } = read(message);
  const head = `"bucket":${JSON.stringify(bucket)},"key":${JSON.stringify(key)}`;
  return `{${head},${whatJson(what)},"dot":${JSON.stringify(dot)},"stamp":${JSON.stringify(stamp)}}`;
}

function whatJson({ value, siblings, member }: Pick<Change, 'value' | 'siblings' | 'member'>): string {
  if (member) return `"member":${JSON.stringify(member.name)},"added":${member.added}`;
  if (value === undefined) return '"deleted":true';
  return siblings === undefined ? `"value":${value}` : `"value":${value},"siblings":${siblings}`;
}
