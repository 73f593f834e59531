import type { BucketName, OriginId, PeerId, SessionId } from '../base/ids.js';
import type { EntryWithoutDigest } from '../data/entry.js';
import { VersionVector } from '../data/version-vector.js';
import {
  clipText,
  type Fields,
  intervalsToList,
  MalformedMessage,
  packList,
  unpackList,
  vectorToList,
} from './fields.js';
import { MAX_ADDRESSES, MAX_BUCKETS, MAX_ELEMENTS, MAX_MESSAGE_BYTES, MAX_OPERATIONS } from './limits.js';
import type { BucketDigest, Chunk, Message } from './messages.js';

/** The number of each message type on the wire. Numbers are never used again for something else. */
const TYPE_NUMBERS = {
  hello: 1,
  goodbye: 2,
  push: 3,
  digest: 4,
  same: 5,
  vectors: 6,
  deltaRequest: 7,
  chunk: 8,
  credit: 9,
  cancel: 10,
  below: 11,
  ping: 12,
  pong: 13,
  peers: 14,
  ack: 15,
} as const satisfies Record<Message['type'], number>;

/** A message is one MessagePack array: its type's number, then its fields in order. See docs/PROTOCOL.md. */
export const encodeMessage = (message: Message): Uint8Array =>
  packList([TYPE_NUMBERS[message.type], ...fieldsOf(message)]);

function fieldsOf(message: Message): unknown[] {
  switch (message.type) {
    case 'hello':
      return [
        message.protocol,
        message.cluster,
        message.peer,
        message.session,
        message.name,
        message.url,
        message.clock,
        message.version,
        message.buckets.flatMap((b) => [b.bucket, b.policy, b.vectorHash, b.stateHash]),
      ];
    case 'goodbye':
      return [message.code, clipText(message.reason)];
    case 'push':
      return [message.bucket, message.origin, message.lo, message.hi, message.body];
    case 'digest':
      return [message.round, message.buckets.flatMap((b) => [b.bucket, b.vectorHash, b.stateHash])];
    case 'same':
      return [message.round];
    case 'vectors':
      return [message.reply, message.buckets.flatMap(([bucket, vector]) => [bucket, vectorToList(vector)])];
    case 'deltaRequest': {
      const { request, bucket, vector, floor, horizon, credit } = message;
      return [request, bucket, vectorToList(vector), vectorToList(floor), horizon, credit];
    }
    case 'chunk':
      return chunkFields(message);
    case 'credit':
      return [message.request, message.chunks];
    case 'cancel':
      return [message.request, clipText(message.reason)];
    case 'below':
      return [message.request];
    case 'ping':
    case 'pong':
      return [message.id, message.clock];
    case 'peers':
      return [message.addresses.flatMap((a) => [a.url, a.id, a.name])];
    case 'ack':
      return [message.bytes];
  }
}

/** Origins are named once; entries refer to them by their place, and `claims` has one list for each. */
function chunkFields(chunk: Chunk): unknown[] {
  const { request, n, entries, claims, exact, last, heldUntil } = chunk;
  const origins = [...new Set([...entries.map((e) => e.origin), ...[...claims.entries()].map(([o]) => o)])];
  const index = new Map(origins.map((origin, i) => [origin, i]));
  return [
    request,
    n,
    origins,
    entries.flatMap((e) => [index.get(e.origin), e.seq, e.stamp, e.key, e.value]),
    origins.map((origin) => intervalsToList(claims.get(origin))),
    exact,
    last,
    heldUntil,
  ];
}

/** @throws MalformedMessage for whatever is no sound message of this protocol */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MAX_MESSAGE_BYTES) throw new MalformedMessage('too large');
  const fields = unpackList(bytes);
  const number = fields.uint();
  const read = READERS.get(number);
  if (read === undefined) throw new MalformedMessage(`unknown message type ${number}`);
  return read(fields);
}

const bucketDigest = (f: Fields): BucketDigest => ({
  bucket: f.bucket(),
  vectorHash: f.hash(),
  stateHash: f.hash(),
});

/** A list about buckets, each named once: else one small message could make us answer with many large ones. */
function eachBucket<T>(fields: Fields, read: (f: Fields) => T, nameOf: (item: T) => BucketName): T[] {
  const items = fields.each(MAX_BUCKETS, read);
  if (new Set(items.map(nameOf)).size < items.length)
    throw new MalformedMessage('a bucket that is named twice');
  return items;
}

const READERS = new Map<number, (fields: Fields) => Message>([
  [
    TYPE_NUMBERS.hello,
    (f) => {
      const range = f.list();
      return {
        type: 'hello',
        protocol: [range.uint(), range.uint()],
        cluster: f.text(),
        peer: f.id() as PeerId,
        session: f.id() as SessionId,
        name: f.text(),
        url: f.textOrNull(),
        clock: f.uint(),
        version: f.text(),
        buckets: eachBucket(
          f,
          (b) => ({ bucket: b.bucket(), policy: b.text(), vectorHash: b.hash(), stateHash: b.hash() }),
          ({ bucket }) => bucket,
        ),
      };
    },
  ],
  [TYPE_NUMBERS.goodbye, (f) => ({ type: 'goodbye', code: f.text(), reason: f.reason() })],
  [
    TYPE_NUMBERS.push,
    (f) => {
      const push = {
        bucket: f.bucket(),
        origin: f.id() as OriginId,
        lo: f.seq(),
        hi: f.seq(),
        body: f.bytes(),
      };
      if (push.lo > push.hi) throw new MalformedMessage('a push that ends before it begins');
      return { type: 'push', ...push };
    },
  ],
  [
    TYPE_NUMBERS.digest,
    (f) => ({
      type: 'digest',
      round: f.uint(),
      buckets: eachBucket(f, bucketDigest, ({ bucket }) => bucket),
    }),
  ],
  [TYPE_NUMBERS.same, (f) => ({ type: 'same', round: f.uint() })],
  [
    TYPE_NUMBERS.vectors,
    (f) => ({
      type: 'vectors',
      reply: f.flag(),
      buckets: eachBucket(
        f,
        (b) => [b.bucket(), b.vector()] as const,
        ([bucket]) => bucket,
      ),
    }),
  ],
  [
    TYPE_NUMBERS.deltaRequest,
    (f) => ({
      type: 'deltaRequest',
      request: f.uint(),
      bucket: f.bucket(),
      vector: f.vector(),
      floor: f.vector(),
      horizon: f.uint(),
      credit: f.uint(),
    }),
  ],
  [TYPE_NUMBERS.chunk, readChunk],
  [TYPE_NUMBERS.credit, (f) => ({ type: 'credit', request: f.uint(), chunks: f.uint() })],
  [TYPE_NUMBERS.cancel, (f) => ({ type: 'cancel', request: f.uint(), reason: f.reason() })],
  [TYPE_NUMBERS.below, (f) => ({ type: 'below', request: f.uint() })],
  [TYPE_NUMBERS.ping, (f) => ({ type: 'ping', id: f.uint(), clock: f.uint() })],
  [TYPE_NUMBERS.pong, (f) => ({ type: 'pong', id: f.uint(), clock: f.uint() })],
  [
    TYPE_NUMBERS.peers,
    (f) => ({
      type: 'peers',
      addresses: f.each(MAX_ADDRESSES, (a) => ({ url: a.text(), id: a.id() as PeerId, name: a.text() })),
    }),
  ],
  [TYPE_NUMBERS.ack, (f) => ({ type: 'ack', bytes: f.uint() })],
]);

function readChunk(f: Fields): Message {
  const [request, n] = [f.uint(), f.uint()];
  const origins = f.each(MAX_ELEMENTS, (o) => o.id() as OriginId);
  if (new Set(origins).size < origins.length) throw new MalformedMessage('an origin that is named twice');
  const originAt = (index: number): OriginId => {
    const origin = origins[index];
    if (origin === undefined) throw new MalformedMessage('an origin that is not in the list');
    return origin;
  };
  const entries = f.each(MAX_OPERATIONS, (e): EntryWithoutDigest => ({
    origin: originAt(e.uint()),
    seq: e.seq(),
    stamp: e.stamp(),
    key: e.key(),
    value: e.value(),
  }));
  checkFalling(entries);
  const sets = f.each(origins.length, (c) => c.intervals());
  const claims = new VersionVector(sets.map((set, i) => [originAt(i), set]));
  return { type: 'chunk', request, n, entries, claims, exact: f.flag(), last: f.flag(), heldUntil: f.uint() };
}

/** Within an origin seqs fall. Stamps do too, but not where an origin was used twice: that is found elsewhere. */
function checkFalling(entries: readonly EntryWithoutDigest[]): void {
  const lowest = new Map<OriginId, number>();
  for (const { origin, seq } of entries) {
    if (seq >= (lowest.get(origin) ?? Infinity)) throw new MalformedMessage('entries out of order');
    lowest.set(origin, seq);
  }
}

/** Packs operations of one origin, ascending by seq, for a push. */
export const packOps = (ops: readonly EntryWithoutDigest[]): Uint8Array =>
  packList(ops.flatMap((op) => [op.seq, op.stamp, op.key, op.value]));

/** @throws MalformedMessage also when seq or stamp do not strictly rise */
export function unpackOps(origin: OriginId, body: Uint8Array): EntryWithoutDigest[] {
  const fields = unpackList(body);
  const ops: EntryWithoutDigest[] = [];
  let last: EntryWithoutDigest | undefined;
  while (fields.more) {
    if (ops.length === MAX_OPERATIONS) throw new MalformedMessage('too many operations');
    const op = { origin, seq: fields.seq(), stamp: fields.stamp(), key: fields.key(), value: fields.value() };
    if (last !== undefined && (op.seq <= last.seq || op.stamp <= last.stamp)) {
      throw new MalformedMessage('operations out of order');
    }
    ops.push((last = op));
  }
  return ops;
}
