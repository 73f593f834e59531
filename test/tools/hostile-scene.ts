import { expect } from '@jest/globals';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import type { EntryWithoutDigest } from '../../src/data/entry.js';
import type { Stamp } from '../../src/data/stamp.js';
import { VersionVector } from '../../src/data/version-vector.js';
import type { ConfigInput } from '../../src/index.js';
import { packOps } from '../../src/protocol/codec.js';
import type { Message, Push } from '../../src/protocol/messages.js';
import { eventually } from './eventually.js';
import { keptMemory, WITH_INSPECTOR } from './kept-memory.js';
import { Cluster, type PeerProcess } from './peer-process.js';
import { RawPeer } from './raw-peer.js';

export const BUCKET = 'default' as BucketName;
export const HIGHEST = Number.MAX_SAFE_INTEGER;

export const FAST_GOSSIP: ConfigInput['gossip'] = {
  antiEntropyMs: [50, 200],
  dialBackoffMs: [20, 100],
  announceMs: 100,
};

const BUCKETS: ConfigInput['buckets'] = {
  default: { policy: 'lww' },
  carts: { policy: 'siblings' },
  sums: { policy: 'counter' },
  tags: { policy: 'set' },
};
const CARTS = { bucket: 'carts' };

/** `json: null` makes a tombstone. */
export function op(
  origin: OriginId,
  seq: number,
  key: string,
  {
    json = '1',
    ms = Date.now(),
    counter = 0,
    context,
  }: { json?: string | null; ms?: number; counter?: number; context?: VersionVector } = {},
): EntryWithoutDigest {
  const stamp = ((BigInt(ms) << 16n) + BigInt(counter)) as Stamp;
  const value = json === null ? null : Buffer.from(json);
  return { origin, seq, stamp, key, value, ...(context ? { context } : {}) };
}

export function push(ops: readonly EntryWithoutDigest[], changes: Partial<Push> = {}): Push {
  const [first, last] = [ops[0], ops.at(-1)];
  if (!first || !last) throw new Error('a push of nothing');
  const { origin } = first;
  return {
    type: 'push',
    hops: 1,
    bucket: BUCKET,
    origin,
    lo: first.seq,
    hi: last.seq,
    body: packOps(ops),
    ...changes,
  };
}

export function vector(...intervals: readonly [OriginId, lo: number, hi: number][]): VersionVector {
  const covered = new VersionVector();
  for (const [origin, lo, hi] of intervals) covered.add(origin, lo, hi);
  return covered;
}

/** A sound peer with data in it and a friend, and a raw peer before it that may do anything. */
export class HostileScene {
  readonly cluster = new Cluster();
  victim!: PeerProcess;
  friend!: PeerProcess;
  raw!: RawPeer;
  /** Under which the victim wrote last. */
  origin = '' as OriginId;
  #mark = 0;
  #begun = 0;

  static async open(): Promise<HostileScene> {
    const scene = new HostileScene();
    const config = { port: 0, gossip: FAST_GOSSIP, buckets: BUCKETS } as const;
    scene.victim = scene.cluster.configure('victim', config);
    scene.victim.env = WITH_INSPECTOR;
    await scene.victim.start();
    scene.friend = await scene.cluster.start('friend', { ...config, peers: [scene.victim.url] });
    await scene.friend.connected(1);
    for (let i = 0; i < 5; i++) await scene.victim.set(`before ${i}`, { i });
    return scene;
  }

  /** What the victim has logged since the test began. */
  get news(): string {
    return this.victim.log.slice(this.#mark);
  }

  async begin(): Promise<void> {
    this.origin = (await this.victim.set('before', 'whole')).dot.slice(0, 21) as OriginId;
    await this.victim.value('set', 'cart', ['whole'], CARTS);
    this.#mark = this.victim.log.length;
    this.#begun++;
    this.raw = await RawPeer.join(this.victim.url);
  }

  /** Whatever was done: the same processes live, take writes, and agree; what was there is there. */
  async end(expected: readonly string[] = []): Promise<void> {
    this.raw.destroy();
    await this.victim.set('after', this.#begun);
    await this.friend.set('after that', this.#begun);
    await eventually('the friend has it', async () => (await this.friend.get('after')) === this.#begun);
    await this.agreed();
    for (const peer of [this.victim, this.friend]) await this.#isWhole(peer, expected);
  }

  async #isWhole(peer: PeerProcess, expected: readonly string[]): Promise<void> {
    expect(await peer.get('before')).toBe('whole');
    expect(await peer.get('before 3')).toEqual({ i: 3 });
    expect(await peer.value('get', 'cart', CARTS)).toEqual(['whole']);
    expect(await peer.get('after')).toBe(this.#begun);
    expect(await peer.get('after that')).toBe(this.#begun);
    expect((await peer.status()).readOnly).toBe(false);
    const errors = peer.log.split('\n').filter((line) => /"level":(50|60)/.test(line));
    expect(errors.filter((line) => !expected.some((event) => line.includes(event)))).toEqual([]);
  }

  /** Waits until both hold the same in all buckets. */
  async agreed(): Promise<void> {
    await eventually('both hold the same', async () => {
      const states = await Promise.all(
        [this.victim, this.friend].map(async (peer) => {
          const { buckets } = await peer.status();
          return JSON.stringify(Object.values(buckets).map(({ hash, keys }) => [hash, keys]));
        }),
      );
      return new Set(states).size === 1;
    });
  }

  /** Waits until the victim has dealt with all that was sent so far, or has ended the link. */
  async read(raw: RawPeer = this.raw): Promise<void> {
    const id = raw.heard.length + 1_000_000;
    raw.send({ type: 'ping', id, clock: Date.now() });
    await eventually(
      'it has been read',
      () => raw.closed || raw.heard.some((m) => m.type === 'pong' && m.id === id),
    );
  }

  /** The link ends as one that was abused. */
  async endsForAbuse(reason: RegExp): Promise<void> {
    await this.raw.ends();
    expect(await this.raw.hears('goodbye')).toMatchObject({
      code: 'PROTOCOL_MISMATCH',
      reason: expect.stringMatching(reason),
    });
    await eventually('the log says so', () => reason.test(this.news));
  }

  /** Sends without end: message after message, until the victim ends the link or so much was sent. */
  async flood(messages: (i: number) => Message, count: number): Promise<void> {
    for (let i = 0; i < count && !this.raw.closed; i++) {
      this.raw.send(messages(i));
      if (this.raw.backlog > 2 ** 22 || i % 100 === 99)
        await eventually('there is room to send', () => this.raw.closed || this.raw.backlog < 2 ** 20);
    }
  }

  /** Writes at the victim go on meanwhile, and reach its friend. @returns how long that took, milliseconds */
  async servesOthers(): Promise<number> {
    const from = performance.now();
    await this.victim.set('meanwhile', from);
    await eventually('the friend has it', async () => (await this.friend.get('meanwhile')) === from);
    return performance.now() - from;
  }

  /** Bytes that the victim needs now, garbage not counted. */
  keptMemory(): Promise<number> {
    return keptMemory(this.victim);
  }
}
