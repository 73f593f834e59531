import { RumeurError } from '../src/base/errors.js';
import { isRecord, type Answer, type PeerClient } from './client.js';

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
  const call: Call = (page) => client.call('keys', page);
  yield* pages(call, options, keyOf);
}

/** All members of a set in byte order, a page at a time. */
export async function* memberPages(
  client: PeerClient,
  key: string,
  options: Readonly<Record<string, unknown>>,
): AsyncGenerator<readonly string[]> {
  const call: Call = (page) => client.call('smembers', key, page);
  yield* pages(call, options, memberOf);
}

/** All entries in the byte order of their keys, a page at a time. */
export async function* entryPages(
  client: PeerClient,
  options: Readonly<Record<string, unknown>>,
): AsyncGenerator<readonly EntryRow[]> {
  const call: Call = (page) => client.call('entries', page);
  yield* pages(call, options, rowOf);
}

/** Asks for one page. */
type Call = (options: Readonly<Record<string, unknown>>) => Promise<Answer>;

async function* pages<T>(
  call: Call,
  options: Readonly<Record<string, unknown>>,
  read: (row: unknown) => T,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  for (let more = true; more;) {
    const answer = await call({
      ...options,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    yield Array.isArray(answer.value) ? answer.value.map(read) : [];
    more = answer.more === true;
    // A page may be without rows where very many keys were deleted: the peer says where to go on.
    if (more) after = cursorOf(answer);
  }
}

function cursorOf({ after }: Answer): string {
  if (typeof after === 'string') return after;
  throw senseless('a page');
}

function memberOf(row: unknown): string {
  if (typeof row === 'string') return row;
  throw senseless('smembers');
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
