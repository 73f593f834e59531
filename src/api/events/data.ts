import { DEFAULT_BUCKET } from '../../base/ids.js';
import { toText } from '../../base/bytes.js';
import { RumeurError } from '../../base/errors.js';
import type { PutOp } from '../../data/op.js';
import { contextIn } from '../arguments.js';
import { describe } from '../json.js';
import type { WriteOp, WriteResult } from '../service.js';
import { checkKey, encodeRaw, encodeValue, jsonText } from '../values.js';
import type { Options } from './arguments.js';
import type { Client, Handler } from './client.js';
import { JsonText } from './codec.js';
import { type EventLimits, MAX_SET_MANY } from './limits.js';
import { soon } from './soon.js';

export const get: Handler = ({ service, limits }, [key], options) => {
  checkKey(key, limits);
  if (options.siblings === true) {
    const { values, context } = service.siblings(bucketOf(options), key);
    const value = values.map((sibling) => valueFor(sibling.value, options));
    return { value, context: context ?? null, found: value.length > 0 };
  }
  return soon(service.read(bucketOf(options), key), (value) =>
    value === undefined ? { value: null, found: false } : { value: valueFor(value, options), found: true },
  );
};

export const set: Handler = async (client, [key, value], options) => {
  const op = { ...toOp(key, value, options, client.limits), ...contextIn(options) };
  const { dot, stamp } = await writeOne(client, options, op);
  return { value: { dot, stamp } };
};

export const remove: Handler = async (client, [key], options) => {
  checkKey(key, client.limits);
  const op = { key, value: null, ...contextIn(options) };
  const { found, dot, stamp } = await writeOne(client, options, op);
  return { value: { found, dot, stamp } };
};

export const setMany: Handler = async (client, [rows], options) => {
  const ops = listOf(rows).map((row, index) => opOfRow(row, index, options, client.limits));
  // The bucket is looked up even when there is nothing to write to it.
  if (ops.length === 0) await client.service.scan(bucketOf(options), { limit: 1, keysOnly: true });
  else await client.write(bucketOf(options), ops);
  return { value: { count: ops.length } };
};

export const bucketOf = ({ bucket }: Options): string => bucket ?? DEFAULT_BUCKET;

/** A stored value as it goes to the client. @throws `INTERNAL` for stored bytes that are no JSON */
export const valueFor = (bytes: Uint8Array, { raw }: Options): JsonText | string =>
  raw === true ? toText(bytes) : new JsonText(jsonText(bytes));

async function writeOne(client: Client, options: Options, op: WriteOp): Promise<WriteResult> {
  const [result] = await client.write(bucketOf(options), [op]);
  if (result === undefined) throw new RumeurError('INTERNAL', 'the write came back without a result');
  return result;
}

function toOp(key: unknown, value: unknown, { raw }: Options, limits: EventLimits): PutOp {
  checkKey(key, limits);
  return { key, value: raw === true ? encodeRaw(value, limits) : encodeValue(value, limits) };
}

function listOf(rows: unknown): readonly unknown[] {
  if (!Array.isArray(rows)) {
    throw new RumeurError(
      'ARGUMENT_INVALID',
      `setMany takes a list of [key, value] pairs, not ${describe(rows)}`,
    );
  }
  if (rows.length > MAX_SET_MANY) {
    const message = `setMany takes at most ${MAX_SET_MANY} pairs, not ${rows.length}`;
    throw new RumeurError('ARGUMENT_INVALID', message, { hint: 'send several lists' });
  }
  return rows;
}

function opOfRow(row: unknown, index: number, options: Options, limits: EventLimits): PutOp {
  if (!Array.isArray(row) || row.length !== 2) {
    const found = Array.isArray(row) ? `an array of ${row.length}` : describe(row);
    throw new RumeurError(
      'ARGUMENT_INVALID',
      `pair ${index} is ${found}, not [key, value]; nothing was written`,
    );
  }
  try {
    return toOp(row[0], row[1], options, limits);
  } catch (thrown) {
    if (!(thrown instanceof RumeurError)) throw thrown;
    const { code, message, hint } = thrown;
    throw new RumeurError(code, `pair ${index}: ${message}; nothing was written`, {
      ...(hint === undefined ? {} : { hint }),
      cause: thrown,
    });
  }
}
