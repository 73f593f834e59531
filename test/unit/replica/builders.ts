import { toText, utf8 } from '../../../src/base/bytes.js';
import {
  type BucketName,
  DEFAULT_BUCKET,
  type LinkId,
  type OriginId,
  type PeerId,
  type SessionId,
} from '../../../src/base/ids.js';
import { type Entry, type EntryWithoutDigest, sealEntry } from '../../../src/data/entry.js';
import { STAMP_ZERO, stampAt } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage, packOps } from '../../../src/protocol/codec.js';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../../src/protocol/limits.js';
import type { Chunk, DeltaRequest, Hello, Message, Push } from '../../../src/protocol/messages.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import { Replica, type ReplicaSettings } from '../../../src/replica/replica.js';
import type { LocalOp } from '../../../src/data/op.js';
import type { Input, Reply, Step } from '../../../src/replica/step.js';
import { MemoryStorage } from '../../../src/storage/memory.js';

/** The wall clock at the beginning of every test. */
export const EPOCH = 1_700_000_000_000;
export const BUCKET: BucketName = DEFAULT_BUCKET;

/** Ids that one can read: `id('a')` is 21 times `a`. */
export const id = (letter: string): string => letter.repeat(21);
export const origin = (letter: string): OriginId => id(letter) as OriginId;
export const peerId = (letter: string): PeerId => id(letter) as PeerId;

/** A write of origin `o` with this seq, `at` milliseconds after the beginning. A `null` value deletes. */
export function op(
  o: string,
  seq: number,
  at: number,
  key: string,
  value: string | null = key,
): EntryWithoutDigest {
  return {
    origin: origin(o),
    seq,
    stamp: stampAt(EPOCH + at),
    key,
    value: value === null ? null : utf8(JSON.stringify(value)),
  };
}

/** `vector('a:1-3,5-5 b:2-2')`. */
export function vector(text: string): VersionVector {
  const result = new VersionVector();
  for (const row of text.split(' ').filter((part) => part !== '')) {
    const [o, list] = row.split(':') as [string, string];
    for (const range of list.split(',')) {
      const [lo, hi] = range.split('-').map(Number) as [number, number];
      result.add(origin(o), lo, hi);
    }
  }
  return result;
}

/** The other way round, with one letter for each origin. */
export const shown = (v: VersionVector): string =>
  v
    .toText()
    .split(';')
    .filter((row) => row !== '')
    .map((row) => `${row[0] as string}${row.slice(21)}`)
    .join(' ');

/** `a1 b2`: the dots of entries, in their order. */
export const dotsOf = (list: readonly { origin: OriginId; seq: number }[]): string =>
  list.map((e) => `${e.origin[0] as string}${e.seq}`).join(' ');

export function push(...ops: EntryWithoutDigest[]): Push {
  const [first, last] = [ops[0], ops.at(-1)];
  if (!first || !last) throw new Error('an empty push');
  const body = packOps(ops);
  return { type: 'push', hops: 1, bucket: BUCKET, origin: first.origin, lo: first.seq, hi: last.seq, body };
}

export const request = (change: Partial<DeltaRequest> = {}): DeltaRequest => ({
  type: 'deltaRequest',
  request: 1,
  bucket: BUCKET,
  vector: new VersionVector(),
  floor: new VersionVector(),
  horizon: EPOCH + 60_000,
  credit: 8,
  ...change,
});

export const chunk = (change: Partial<Chunk>): Chunk => ({
  type: 'chunk',
  request: 1,
  n: 0,
  entries: [],
  claims: new VersionVector(),
  exact: false,
  last: false,
  heldUntil: 0,
  seenUpTo: STAMP_ZERO,
  ...change,
});

const SETTINGS: ReplicaSettings = {
  name: 'subject',
  version: 'test',
  url: 'http://subject:1',
  discovery: true,
  meshPeers: 50,
  degree: 8,
  antiEntropyMs: [1000, 15_000],
  maxClockDriftMs: 60_000,
  pingMs: 5000,
  pingTimeoutMs: 15_000,
  lazyMs: 100,
  links: 4,
  deltaChunkBytes: 1,
  cluster: 'test',
  buckets: { [BUCKET]: { policy: 'lww' } },
  peers: [],
  addresses: 8,
  dialBackoffMs: [200, 5000],
  durable: false,
  announceMs: 5000,
  evictAfterMs: 7 * 24 * 3_600_000,
  auditMs: 0,
};

interface Meeting {
  /** Its network address; default: not an IP address. */
  readonly remote?: string;
  readonly direction?: 'in' | 'out';
  readonly url?: string;
  readonly hello?: Partial<Hello>;
}

/** A replica over a store, whose neighbours the test plays by hand. */
export class Subject {
  readonly storage: MemoryStorage;
  readonly replica: Replica;
  /** Monotonic time, milliseconds; the wall clock is `EPOCH + now + skew`. */
  now = 0;
  skew = 0;
  /** What was sent since the last look, oldest first. */
  #outbox: { link: LinkId; message: Message }[] = [];
  readonly closes: LinkId[] = [];
  readonly dials: string[] = [];
  readonly notes: string[] = [];
  /** Messages of those that a log shows, unless it shows everything. */
  readonly told: string[] = [];
  wakeAt = 0;
  #lastLink = 0;
  #lastRequest = 0;

  constructor(settings: Partial<ReplicaSettings> = {}, storage?: MemoryStorage) {
    this.storage = storage ?? new MemoryStorage({ peerId: peerId('M'), origin: origin('m') });
    this.replica = new Replica(
      { ...SETTINGS, ...settings },
      this.storage.initial,
      this.storage,
      [1, 2, 3, 4],
    );
  }

  get bucket(): Bucket {
    const bucket = this.replica.core.buckets.get(BUCKET);
    if (!bucket) throw new Error('no bucket');
    return bucket;
  }

  get covered(): string {
    return shown(this.bucket.vector);
  }

  take(input: Input): Step {
    const step = this.replica.handle(input, { mono: this.now, wall: EPOCH + this.now + this.skew });
    if (step.persist) this.storage.commit(step.persist);
    this.#outbox.push(...step.sends.map(({ link, bytes }) => ({ link, message: decodeMessage(bytes) })));
    this.closes.push(...step.closes.map(({ link }) => link));
    this.dials.push(...step.dials);
    this.notes.push(...step.notes.map(({ event }) => event));
    this.told.push(...step.notes.flatMap(({ level, message }) => (level === 'debug' ? [] : [message])));
    this.wakeAt = step.wakeAt;
    if (step.flushMark !== undefined) this.take({ kind: 'flushed', mark: step.flushMark });
    return step;
  }

  /** Lets time pass, waking the replica whenever it asked for it. At most `limit` times: it must not be busy. */
  pass(millis: number, limit = 1000): void {
    const until = this.now + millis;
    for (let i = 0; this.wakeAt <= until; i++) {
      if (i >= limit) throw new Error(`woken ${limit} times within ${millis} ms`);
      this.now = Math.max(this.now, this.wakeAt);
      this.take({ kind: 'wake' });
    }
    this.now = until;
  }

  /** Opens a link without a HELLO from the other side. */
  open({ direction = 'in', url, remote = 'remote' }: Meeting = {}): LinkId {
    const link = ++this.#lastLink as LinkId;
    this.take({
      kind: 'linkOpened',
      link,
      direction,
      remote,
      ...(url === undefined ? {} : { url }),
    });
    return link;
  }

  /** Opens a link to a peer and finishes its handshake; both have empty buckets unless `hello` says otherwise. */
  meet(letter: string, meeting: Meeting = {}): LinkId {
    const link = this.open(meeting);
    this.say(link, helloOf(letter, { clock: EPOCH + this.now + this.skew, ...meeting.hello }));
    return link;
  }

  say(link: LinkId, ...messages: Message[]): Step {
    const received = messages.map((message) => ({ link, bytes: encodeMessage(message) }));
    return this.take({ kind: 'received', messages: received });
  }

  write(...ops: (readonly [key: string, value: string | null])[]): Reply['outcome'] {
    const list = ops.map(([key, value]): LocalOp => {
      return { key, value: value === null ? null : utf8(JSON.stringify(value)) };
    });
    const wrote = this.take({
      kind: 'writes',
      writes: [{ request: ++this.#lastRequest, bucket: BUCKET, ops: list }],
    });
    return (wrote.replies[0] as Reply).outcome;
  }

  /** Takes writes of other origins, as if a peer had pushed them. */
  learn(link: LinkId, ...ops: EntryWithoutDigest[]): void {
    for (const one of ops) this.say(link, push(one));
  }

  /** The messages of one type that were sent since the last look, to one link or to all. */
  sent<T extends Message['type']>(type: T, link?: LinkId): Extract<Message, { type: T }>[] {
    const wanted = this.#outbox.filter(
      (m) => m.message.type === type && (link === undefined || m.link === link),
    );
    this.#outbox = this.#outbox.filter((m) => !wanted.includes(m));
    return wanted.map(({ message }) => message as Extract<Message, { type: T }>);
  }

  /** Forgets what was sent so far. */
  clear(): void {
    this.#outbox = [];
  }

  /** What stands under a key of a bucket with one entry a key. */
  get(key: string): Entry | undefined {
    return this.storage.get(BUCKET, key)[0];
  }

  /** The live keys and their values. */
  get data(): Record<string, unknown> {
    const live = [...this.storage.cells(BUCKET, {})].flat().filter(({ value }) => value !== null);
    return Object.fromEntries(
      live.map(({ key, value }) => [key, JSON.parse(toText(value ?? utf8('null'))) as unknown]),
    );
  }
}

/** The HELLO of a peer with empty buckets. */
export const helloOf = (letter: string, change: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  protocol: [PROTOCOL_MIN, PROTOCOL_MAX],
  cluster: 'test',
  peer: peerId(letter),
  session: id(letter.toLowerCase()) as SessionId,
  name: letter,
  url: null,
  clock: EPOCH,
  version: 'test',
  buckets: [],
  links: 0,
  crowd: 0,
  ...change,
});

/** The digest that a peer which covers this and holds these entries would send. */
export function digestOf(
  covered: string,
  entries: readonly EntryWithoutDigest[] = [],
): Hello['buckets'][number] {
  const other = new Subject();
  for (const entry of entries) other.bucket.fingerprint.add(sealEntry(entry).digest);
  const stateHash = other.bucket.fingerprint.toBytes();
  return { bucket: BUCKET, policy: 'lww', vectorHash: vector(covered).hash(), stateHash };
}
