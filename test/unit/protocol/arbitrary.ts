import fc from 'fast-check';
import { Buffer } from 'node:buffer';
import type { BucketName, OriginId, PeerId, SessionId } from '../../../src/base/ids.js';
import type { EntryWithoutDigest } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { BucketDigest, Message } from '../../../src/protocol/messages.js';

const ALPHABET = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-');
const id = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 21, maxLength: 21 });
export const origin = id.map((text) => text as OriginId);
const count = fc.maxSafeNat();
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const stamp = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => n as Stamp);
/** One printable line: others are refused or made so. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((t) => !/[\p{Cc}\u2028\u2029]/u.test(t));
const key = fc
  .string({ unit: 'binary', maxLength: 40 })
  .filter((t) => t.length > 0 && Buffer.byteLength(t) <= 1024);
const value = fc.option(fc.json({ maxDepth: 2 }).map((text) => new TextEncoder().encode(text)));
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const bucket = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/).map((t) => t as BucketName);

const intervals = fc
  .array(fc.tuple(fc.integer({ min: 2, max: 2 ** 40 }), fc.nat(2 ** 34)), { minLength: 1, maxLength: 5 })
  .map((steps) => {
    let last = -1;
    return steps.flatMap(([gap, length]) => [last + gap, (last = last + gap + length)]);
  });
export const vector = fc
  .array(fc.tuple(origin, intervals), { maxLength: 4 })
  .map((rows) => new VersionVector(rows));

const digests = fc.uniqueArray(
  fc.record({ bucket, vectorHash: hash, stateHash: hash }) as fc.Arbitrary<BucketDigest>,
  { selector: (d) => d.bucket, maxLength: 3 },
);

/** Operations of one origin, seqs and stamps rising. */
export const ops = fc
  .tuple(origin, fc.uniqueArray(fc.tuple(seq, stamp, key, value), { selector: ([s]) => s, maxLength: 6 }))
  .map(([o, list]) => {
    const stamps = [...new Set(list.map(([, s]) => s))].sort((a, b) => (a < b ? -1 : 1));
    const seqs = list.map(([s]) => s).sort((a, b) => a - b);
    return stamps.map((s, i): EntryWithoutDigest => {
      const [, , k, v] = list[i] as (typeof list)[number];
      return { origin: o, seq: seqs[i] as number, stamp: s, key: k, value: v };
    });
  });

/** Entries of a few origins; within each the seqs fall. */
const entries = fc
  .array(ops, { maxLength: 3 })
  .map((lists) => [...new Map(lists.map((list) => [list[0]?.origin, list])).values()])
  .map((lists) => lists.flatMap((list) => [...list].reverse()));

const of = <T extends Message['type']>(
  type: T,
  fields: {
    [K in keyof Omit<Extract<Message, { type: T }>, 'type'>]: fc.Arbitrary<Extract<Message, { type: T }>[K]>;
  },
): fc.Arbitrary<Message> =>
  fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<Message>;

/** Any sound message, by type. */
export const MESSAGES: Readonly<Record<Message['type'], fc.Arbitrary<Message>>> = {
  hello: of('hello', {
    protocol: fc.tuple(count, count),
    cluster: text,
    peer: id.map((t) => t as PeerId),
    session: id.map((t) => t as SessionId),
    name: text,
    url: fc.option(text),
    clock: count,
    version: text,
    buckets: digests.map((list) => list.map((d) => ({ ...d, policy: 'lww' }))),
  }),
  goodbye: of('goodbye', { code: text, reason: text }),
  push: fc
    .record({ bucket, origin, bounds: fc.tuple(seq, seq), body: fc.uint8Array({ maxLength: 80 }) })
    .map(({ bounds, ...rest }) => ({
      type: 'push',
      ...rest,
      lo: Math.min(...bounds),
      hi: Math.max(...bounds),
    })),
  digest: of('digest', { round: count, buckets: digests }),
  same: of('same', { round: count }),
  vectors: of('vectors', {
    reply: fc.boolean(),
    buckets: fc.uniqueArray(fc.tuple(bucket, vector), { selector: ([name]) => name, maxLength: 3 }),
  }),
  deltaRequest: of('deltaRequest', {
    request: count,
    bucket,
    vector,
    floor: vector,
    horizon: count,
    credit: count,
  }),
  chunk: of('chunk', {
    request: count,
    n: count,
    entries,
    claims: vector,
    exact: fc.boolean(),
    last: fc.boolean(),
    heldUntil: count,
  }),
  credit: of('credit', { request: count, chunks: count }),
  cancel: of('cancel', { request: count, reason: text }),
  below: of('below', { request: count }),
  ping: of('ping', { id: count, clock: count }),
  pong: of('pong', { id: count, clock: count }),
  peers: of('peers', {
    addresses: fc.array(fc.record({ url: text, id: id.map((t) => t as PeerId), name: text }), {
      maxLength: 3,
    }),
  }),
  ack: of('ack', { bytes: count }),
};

export const message = fc.oneof(...Object.values(MESSAGES));

/** A message as plain data: vectors as their text, bytes as lists. */
export const shown = (m: unknown): unknown =>
  JSON.parse(
    JSON.stringify(m, (_, v: unknown) => {
      if (v instanceof VersionVector) return v.toText();
      if (v instanceof Uint8Array) return `bytes ${[...v].join(',')}`;
      return typeof v === 'bigint' ? v.toString() : v;
    }),
  );
