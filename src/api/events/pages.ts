import type { Page, Row } from '../service.js';
import { checkKeyPart } from '../values.js';
import type { Options } from './arguments.js';
import type { Client, Handler, Reply } from './client.js';
import { bucketOf, valueFor } from './data.js';
import { DEFAULT_PAGE_ROWS, MAX_KEYS_READ_BYTES, MAX_PAGE_BYTES } from './limits.js';
import { soon } from './soon.js';

export const keys: Handler = (client, _args, options) => page(client, options, true, ({ key }) => key);

export const entries: Handler = (client, _args, options) =>
  page(client, options, false, ({ key, value, dot, stamp }) => ({
    key,
    value: valueFor(value, options),
    dot,
    stamp,
  }));

function page(
  { service, limits }: Client,
  options: Options,
  keysOnly: boolean,
  show: (row: Row) => unknown,
): Reply | Promise<Reply> {
  const { prefix = '', after = '', limit = DEFAULT_PAGE_ROWS } = options;
  checkKeyPart(prefix, 'the prefix', limits);
  checkKeyPart(after, 'the key after which to go on', limits);
  const maxBytes = keysOnly ? MAX_KEYS_READ_BYTES : MAX_PAGE_BYTES;
  const range = { prefix, limit, maxBytes, keysOnly };
  const rows = service.scan(bucketOf(options), after === '' ? range : { ...range, after });
  return soon(rows, (found) => replyOf(found, show));
}

/** A page as it is answered: with `more`, and where to go on, unless it is the last one. */
export function replyOf<T>({ rows, after }: Page<T>, show: (row: T) => unknown): Reply {
  const value = rows.map(show);
  return after === undefined ? { value } : { value, more: true, after };
}
