import { type Ack, call, valueOf } from '../../tools/socket-client.js';
import { BUCKET_NAMES, type BucketName, type Place } from './field.js';

export interface Row {
  readonly key: string;
  readonly value: unknown;
  readonly dot: string;
  readonly stamp: string;
}

/** All that one peer holds, as its clients see it. */
export interface Snapshot {
  readonly rows: Readonly<Record<BucketName, ReadonlyMap<string, Row>>>;
  /** All values that stand side by side, by key. */
  readonly siblings: ReadonlyMap<string, readonly string[]>;
}

const PAGE = 1000;

export async function snapshotOf({ peer }: Place): Promise<Snapshot> {
  const socket = await peer.socket();
  const rows: Partial<Record<BucketName, Map<string, Row>>> = {};
  for (const bucket of BUCKET_NAMES) {
    const found = new Map<string, Row>();
    for (let after: string | undefined = ''; after !== undefined;) {
      const page: Ack = await call(socket, 'entries', { bucket, after, limit: PAGE });
      if (!page.ok) throw new Error(`entries failed: ${JSON.stringify(page.error)}`);
      for (const row of page.value as Row[]) found.set(row.key, row);
      ({ after } = page);
    }
    rows[bucket] = found;
  }
  const siblings = new Map<string, string[]>();
  for (const key of rows.carts?.keys() ?? [])
    siblings.set(key, (await valueOf(socket, 'get', key, { bucket: 'carts', siblings: true })) as string[]);
  return { rows: rows as Snapshot['rows'], siblings };
}

/** One text for each key: equal when and only when two peers hold the same. */
export const textsOf = ({ rows, siblings }: Snapshot): string[] => [
  ...BUCKET_NAMES.flatMap((bucket) =>
    [...rows[bucket].values()].map((row) => `${bucket} ${JSON.stringify(row)}`),
  ),
  ...[...siblings].map(([key, values]) => `carts ${key} ${JSON.stringify(values)}`),
];
