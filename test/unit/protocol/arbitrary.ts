import fc from 'fast-check';
import { Buffer } from 'node:buffer';
import type { BucketName, OriginId, PeerId, SessionId } from '../../../src/base/ids.js';
import type { EntryWithoutDigest } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import type { Answer, BucketDigest, Compare, ListedEntry, Message } from '../../../src/protocol/messages.js';
import { RANGE_SHIFTS } from '../../../src/protocol/ranges.js';

const ALPHABET = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-');
const id = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 21, maxLength: 21 });
export const origin = id.map((text) => text as OriginId);
export const peer = id.map((text) => text as PeerId);
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
const shortHash = fc.uint8Array({ minLength: 8, maxLength: 8 });
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

/** None, an empty one, or one that may name the writer's own origin. */
const contextOf = (own: OriginId): fc.Arbitrary<VersionVector | undefined> =>
  fc.option(
    fc.tuple(vector, fc.option(intervals)).map(([others, set]) => {
      if (set) others.addAll(own, set);
      return others;
    }),
    { nil: undefined },
  );

/** Operations of one origin, seqs and stamps rising. */
export const ops = origin.chain((own) =>
  fc
    .uniqueArray(fc.tuple(seq, stamp, key, value, contextOf(own)), { selector: ([s]) => s, maxLength: 6 })
    .map((list) => {
      const stamps = [...new Set(list.map(([, s]) => s))].sort((a, b) => (a < b ? -1 : 1));
      const seqs = list.map(([s]) => s).sort((a, b) => a - b);
      return stamps.map((s, i): EntryWithoutDigest => {
        const [, , k, v, context] = list[i] as (typeof list)[number];
        const op = { origin: own, seq: seqs[i] as number, stamp: s, key: k, value: v };
        return context === undefined ? op : { ...op, context };
      });
    }),
);

/** Entries of a few origins, seqs rising within each. */
const rising = fc
  .array(ops, { maxLength: 3 })
  .map((lists) => [...new Map(lists.map((list) => [list[0]?.origin, list])).values()].flat());

/** Within each origin the seqs fall, or rise. */
const entries = fc.tuple(rising, fc.boolean()).map(([list, fall]) => (fall ? list.toReversed() : list));

/** In any order. */
const shuffled: fc.Arbitrary<Answer['entries']> = rising.chain((list) =>
  fc.shuffledSubarray(list, { minLength: list.length }),
);

const places = fc.uniqueArray(fc.nat(4095), { maxLength: 10 }).map((list) => list.sort((a, b) => a - b));

/** Runs of blocks next to each other, some as long as the highest index allows. */
const blocks: fc.Arbitrary<Compare['blocks']> = fc
  .array(
    fc.tuple(
      origin,
      fc.nat(RANGE_SHIFTS.length - 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(shortHash, { maxLength: 4 }),
    ),
    { maxLength: 4 },
  )
  .map((runs) =>
    runs.flatMap(([o, level, at, sums]) => {
      const first = Math.floor(at * (2 ** (53 - (RANGE_SHIFTS[level] as number)) - 4));
      return sums.map((sum, i) => ({ origin: o, level, index: first + i, sum }));
    }),
  );

const listed: fc.Arbitrary<ListedEntry[]> = fc.uniqueArray(
  fc.record({ origin, seq, stamp, key, digest: shortHash }),
  { selector: (item) => `${item.origin}.${item.seq}`, maxLength: 5 },
);

export const record: fc.Arbitrary<MemberRecord> = fc.record({
  peer,
  name: text,
  url: fc.option(text),
  number: stamp,
  origins: fc.uniqueArray(origin, { maxLength: 3 }),
  vectors: fc.uniqueArray(fc.tuple(bucket, vector), { selector: ([name]) => name, maxLength: 3 }),
  evictedUpTo: stamp,
  downUpTo: stamp,
});

const addresses = fc.array(fc.record({ url: text, id: peer, name: text }), { maxLength: 3 });

const of = <T extends Message['type']>(
  type: T,
  fields: {
    [K in keyof Omit<Extract<Message, { type: T }>, 'type'>]: fc.Arbitrary<Extract<Message, { type: T }>[K]>;
  },
): fc.Arbitrary<Message> =>
  fc.record({ type: fc.constant(type), ...fields }) as unknown as fc.Arbitrary<Message>;

const rows = (of: fc.Arbitrary<VersionVector>): fc.Arbitrary<(readonly [BucketName, VersionVector])[]> =>
  fc.uniqueArray(fc.tuple(bucket, of), { selector: ([name]) => name, maxLength: 3 });

/** Of each origin no more dots than a graft may name. */
const fewDots = fc
  .uniqueArray(fc.tuple(origin, seq), { selector: ([name]) => name, maxLength: 3 })
  .map((dots) => VersionVector.ofDots(dots.map(([name, at]) => ({ origin: name, seq: at }))));

/** Any sound message, by type. */
export const MESSAGES: Readonly<Record<Message['type'], fc.Arbitrary<Message>>> = {
  hello: of('hello', {
    protocol: fc.tuple(count, count),
    cluster: text,
    peer,
    session: id.map((t) => t as SessionId),
    name: text,
    url: fc.option(text),
    clock: count,
    version: text,
    buckets: digests.map((list) => list.map((d) => ({ ...d, policy: 'lww' }))),
    links: count,
    crowd: count,
  }),
  goodbye: of('goodbye', { code: text, reason: text }),
  push: fc
    .record({
      hops: fc.nat(127),
      bucket,
      origin,
      bounds: fc.tuple(seq, seq),
      body: fc.uint8Array({ maxLength: 80 }),
    })
    .map(({ bounds, ...rest }) => ({
      type: 'push',
      ...rest,
      lo: Math.min(...bounds),
      hi: Math.max(...bounds),
    })),
  have: of('have', { buckets: rows(vector), onRequest: fc.boolean() }),
  graft: of('graft', { buckets: rows(fewDots), eager: fc.boolean() }),
  prune: of('prune', { origins: fc.uniqueArray(origin, { maxLength: 3 }) }),
  digest: of('digest', { round: count, buckets: digests, membersHash: hash }),
  same: of('same', { round: count }),
  vectors: of('vectors', {
    reply: fc.boolean(),
    buckets: rows(vector),
    changes: fc.constant(true),
  }),
  deltaRequest: of('deltaRequest', {
    request: count,
    bucket,
    vector,
    floor: vector,
    horizon: count,
    credit: count,
    missing: fc.array(fc.record({ origin, seq, stamp, key }), { minLength: 1, maxLength: 3 }),
  }),
  chunk: of('chunk', {
    request: count,
    n: count,
    entries,
    claims: vector,
    exact: fc.boolean(),
    last: fc.boolean(),
    heldUntil: count,
    seenUpTo: stamp,
  }),
  credit: of('credit', { request: count, chunks: count }),
  cancel: of('cancel', { request: count, reason: text }),
  below: of('below', { request: count }),
  ping: of('ping', { id: count, clock: count }),
  pong: of('pong', { id: count, clock: count }),
  peers: of('peers', { addresses }),
  ack: of('ack', { bytes: count }),
  compare: of('compare', { request: count, n: count, bucket, blocks }),
  differ: of('differ', {
    request: count,
    n: count,
    blocks: places,
    start: fc.option(fc.record({ vector, floor: vector })),
  }),
  listing: of('listing', { request: count, n: count, bucket, items: listed }),
  answer: of('answer', { request: count, n: count, drop: places, entries: shuffled, answered: count }),
  roster: of('roster', {
    full: fc.boolean(),
    members: fc.uniqueArray(fc.record({ peer, number: stamp, evictedUpTo: stamp, downUpTo: stamp }), {
      selector: (member) => member.peer,
      maxLength: 3,
    }),
  }),
  members: of('members', {
    records: fc.uniqueArray(record, { selector: (member) => member.peer, maxLength: 3 }),
  }),
  probe: of('probe', { id: count, peer }),
  shuffle: of('shuffle', { id: count, hops: count, crowd: count, addresses }),
  shuffled: of('shuffled', { id: count, crowd: count, addresses }),
  probed: of('probed', { id: count, peer, heardMsAgo: fc.option(count) }),
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
