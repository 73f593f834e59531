import type { Row } from '../service.js';
import { checkKeyPart } from '../values.js';
import type { Options } from './arguments.js';
import type { Client, Handler, Reply } from './client.js';
import { bucketOf, valueFor } from './data.js';
import { DEFAULT_PAGE_ROWS, MAX_PAGE_BYTES } from './limits.js';

export const keys: Handler = (client, _args, options) =>
  page(client, options, true, ({ key }) => key, keyBytes);

export const entries: Handler = (client, _args, options) => {
  const show = ({ key, value, dot, stamp }: Row): object => ({
    key,
    value: valueFor(value, options),
    dot,
    stamp,
  });
  return page(client, options, false, show, rowBytes);
};

/** A page of keys needs many scans where values are large: whole rows are read. */
const SCAN_BYTES = 2 ** 20;

const keyBytes = ({ key }: Row): number => key.length + 3;
/** Beside key and value: dot, stamp and names. */
const rowBytes = ({ key, value }: Row): number => key.length + value.length + 120;

/** At most `limit` rows and about `MAX_PAGE_BYTES`, at least one row if there is any. */
function page(
  client: Client,
  options: Options,
  keysOnly: boolean,
  show: (row: Row) => unknown,
  sizeOf: (row: Row) => number,
): Reply {
  const { service, limits } = client;
  const { prefix = '', after = '', limit = DEFAULT_PAGE_ROWS } = options;
  checkKeyPart(prefix, 'the prefix', limits);
  checkKeyPart(after, 'the key after which to go on', limits);
  const value: unknown[] = [];
  let bytes = 0;
  let last = after;
  for (;;) {
    const range = { prefix, limit: limit - value.length, maxBytes: SCAN_BYTES, keysOnly };
    const { rows, more } = service.scan(bucketOf(options), last === '' ? range : { ...range, after: last });
    for (const row of rows) {
      bytes += sizeOf(row);
      if (value.length > 0 && bytes > MAX_PAGE_BYTES) return { value, more: true };
      value.push(show(row));
      last = row.key;
    }
    if (!more) return { value };
    if (value.length === limit) return { value, more: true };
  }
}
