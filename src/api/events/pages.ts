import type { PeerService, Row } from '../service.js';
import { checkKeyPart } from '../values.js';
import type { Options } from './arguments.js';
import type { Client, Handler, Reply } from './client.js';
import { bucketOf, valueFor } from './data.js';
import { DEFAULT_PAGE_ROWS, MAX_PAGE_BYTES } from './limits.js';

export const keys: Handler = (client, _args, options) => page(client, options, ({ key }) => key, keyBytes);

export const entries: Handler = (client, _args, options) => {
  const show = ({ key, value, dot, stamp }: Row): object => ({
    key,
    value: valueFor(value, options),
    dot,
    stamp,
  });
  return page(client, options, show, rowBytes);
};

const keyBytes = ({ key }: Row): number => key.length + 3;
/** Beside key and value: dot, stamp and names. */
const rowBytes = ({ key, value }: Row): number => key.length + value.length + 120;

/** At most `limit` rows and about `MAX_PAGE_BYTES`, at least one row if there is any. */
function page(
  client: Client,
  options: Options,
  show: (row: Row) => unknown,
  sizeOf: (row: Row) => number,
): Reply {
  const { service, limits } = client;
  const { prefix = '', after = '', limit = DEFAULT_PAGE_ROWS } = options;
  checkKeyPart(prefix, 'the prefix', limits);
  checkKeyPart(after, 'the key after which to go on', limits);
  const value: unknown[] = [];
  let bytes = 0;
  for (const { row, more } of walk(service, bucketOf(options), prefix, after)) {
    bytes += sizeOf(row);
    if (value.length > 0 && bytes > MAX_PAGE_BYTES) return { value, more: true };
    value.push(show(row));
    if (value.length === limit) return more ? { value, more: true } : { value };
  }
  return { value };
}

/** A scan in chunks of about a megabyte: the service reads whole rows, and a page may stop long before its limit. */
function* walk(
  service: PeerService,
  bucket: string,
  prefix: string,
  start: string,
): Generator<{ row: Row; more: boolean }, void> {
  let after = start;
  let limit = 16;
  for (;;) {
    const { rows, more } = service.scan(bucket, { prefix, limit, ...(after === '' ? {} : { after }) });
    for (const [index, row] of rows.entries()) yield { row, more: more || index < rows.length - 1 };
    const last = rows.at(-1);
    if (!more || last === undefined) return;
    after = last.key;
    const bytes = rows.reduce((total, row) => total + rowBytes(row), 0);
    limit = Math.min(1000, Math.max(1, Math.floor((2 ** 20 * rows.length) / bytes)));
  }
}
