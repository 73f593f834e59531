import { RumeurError } from '../src/base/errors.js';
import { isRecord, type PeerClient } from './client.js';

/** Rows asked for at a time; a peer sends fewer when they are large. */
const PAGE = 1000;

/** One row of `entries`; `value` is JSON text. */
export interface EntryRow {
  readonly key: string;
  readonly value: string;
}

/** All keys in byte order, a page at a time. @param options the event's, `prefix` and `bucket` among them */
export async function* keyPages(
  client: PeerClient,
  options: Readonly<Record<string, unknown>>,
): AsyncGenerator<readonly string[]> {
  yield* pages(client, 'keys', options, keyOf, (key) => key);
}

/** All entries in the byte order of their keys, a page at a time. */
export async function* entryPages(
  client: PeerClient,
  options: Readonly<Record<string, unknown>>,
): AsyncGenerator<readonly EntryRow[]> {
  yield* pages(client, 'entries', options, rowOf, ({ key }) => key);
}

async function* pages<T>(
  client: PeerClient,
  event: string,
  options: Readonly<Record<string, unknown>>,
  read: (row: unknown) => T,
  keyIn: (row: T) => string,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  for (let more = true; more;) {
    const answer = await client.call(event, {
      ...options,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const rows = Array.isArray(answer.value) ? answer.value.map(read) : [];
    yield rows;
    const last = rows.at(-1);
    more = answer.more === true && last !== undefined;
    if (last !== undefined) after = keyIn(last);
  }
}

function keyOf(row: unknown): string {
  if (typeof row === 'string') return row;
  throw senseless('keys');
}

function rowOf(row: unknown): EntryRow {
  if (isRecord(row) && typeof row['key'] === 'string' && typeof row['value'] === 'string') {
    return { key: row['key'], value: row['value'] };
  }
  throw senseless('entries');
}

const senseless = (event: string): RumeurError =>
  new RumeurError('INTERNAL', `the peer gave an answer to ${event} that makes no sense`, {
    hint: 'is it of this version?',
  });
