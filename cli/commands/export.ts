import { RumeurError } from '../../src/base/errors.js';
import { isRecord, type PeerClient } from '../client.js';
import { required, textOption, type CommandModule } from '../command.js';
import { note, print } from '../output.js';
import { entryPages, type EntryRow } from '../pages.js';
import type { Session } from '../session.js';
import { AtomicFile, formatOf, STANDARD, type Format } from '../transfer/files.js';
import { Progress, shownSeconds } from '../transfer/progress.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<file>', 'the file; - is stdout']],
    options: [['--format <format>', 'ndjson or json (default: by the name; stdout is ndjson)']],
    details: `All keys of the bucket in the order of their bytes, values exactly as stored: NDJSON with
{"key":...,"value":...} a line, or one JSON object. A file appears only when it is complete. Keys
that change meanwhile are exported as they are when it is their turn.`,
    examples: ['config1 export data.ndjson', 'config1 export data.json', 'config1 export - | grep Ville'],
  },

  async run(context) {
    const { session } = context;
    const file = required(context, 0);
    const format = formatOf(file, textOption(context, 'format'));
    const client = await session.connect();
    const progress = new Progress({ label: 'export', total: await keyCount(client, session) });
    let keys: number;
    try {
      keys = await (file === STANDARD
        ? writeAll(client, session, format, progress, print)
        : toFile(file, (write) => writeAll(client, session, format, progress, write)));
    } finally {
      progress.end();
    }
    note(
      `${keys.toLocaleString('en-US')} key${keys === 1 ? '' : 's'} exported in ${shownSeconds(progress.seconds)}`,
    );
    if (session.json && file !== STANDARD) await print(`${JSON.stringify({ exported: keys })}\n`);
    return undefined;
  },
};

type Write = (text: string) => Promise<void>;

async function toFile(path: string, fill: (write: Write) => Promise<number>): Promise<number> {
  const file = await AtomicFile.create(path);
  try {
    const keys = await fill((text) => file.write(text));
    await file.finish();
    return keys;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** @returns how many keys */
async function writeAll(
  client: PeerClient,
  session: Session,
  format: Format,
  progress: Progress,
  write: Write,
): Promise<number> {
  let keys = 0;
  if (format === 'json') await write('{');
  for await (const rows of entryPages(client, session.rawOptions())) {
    if (rows.length > 0) await write(format === 'json' ? members(rows, keys === 0) : lines(rows));
    keys += rows.length;
    progress.update(keys, keys);
  }
  if (format === 'json') await write(keys === 0 ? '}\n' : '\n}\n');
  return keys;
}

const lines = (rows: readonly EntryRow[]): string =>
  rows.map(({ key, value }) => `{"key":${JSON.stringify(key)},"value":${value}}\n`).join('');

const members = (rows: readonly EntryRow[], isFirst: boolean): string =>
  (isFirst ? '\n' : ',\n') + rows.map(({ key, value }) => `${JSON.stringify(key)}:${value}`).join(',\n');

async function keyCount(client: PeerClient, { options }: Session): Promise<number> {
  const { value } = await client.call('status', {});
  const bucket = options.bucket ?? 'default';
  const buckets = isRecord(value) && isRecord(value['buckets']) ? value['buckets'] : {};
  const status = Object.hasOwn(buckets, bucket) ? buckets[bucket] : undefined;
  if (isRecord(status) && typeof status['keys'] === 'number') return status['keys'];
  throw new RumeurError('BUCKET_UNKNOWN', `the peer has no bucket ${JSON.stringify(bucket)}`, {
    hint: `it has ${Object.keys(buckets).join(', ')}`,
  });
}
