/* One peer, or three of one cluster, in one process: a damaged store may bring it down. */
import { type ConfigInput, Peer, RumeurError, type Status } from '../../../src/index.js';
import {
  type Answer,
  type BucketKey,
  type Opened,
  PACK_BUCKETS,
  type PackOrder,
  type Shown,
} from './pack-protocol.js';

/** Keys of a template: enough for a tree of pages of each table. */
const KEYS = 160;
const DELETED = 20;
const COUNTERS = 12;
const SETS = 6;

let peers: (Peer | undefined)[] = [];

const codeOf = (error: unknown): string =>
  error instanceof RumeurError ? error.code : `INTERNAL ${String(error)}`;

async function open({ directories, cluster, storage }: PackOrder & { do: 'open' }): Promise<Opened> {
  peers = [];
  const codes: string[] = [];
  for (const [index, dataDir] of directories.entries()) {
    try {
      peers.push(
        await Peer.open({
          name: `p${index}`,
          port: 0,
          peers: peers.flatMap((peer) => (peer ? [peer.port] : [])),
          dataDir,
          cluster,
          storage: storage as NonNullable<ConfigInput['storage']>,
          buckets: PACK_BUCKETS,
          gossip: { auditMs: 10, antiEntropyMs: [20, 200], announceMs: 100, dialBackoffMs: [20, 200] },
          log: { level: 'warn', format: 'json' },
        }),
      );
      codes.push('');
    } catch (error) {
      peers.push(undefined);
      codes.push(codeOf(error));
    }
  }
  return codes;
}

const running = (): Peer[] => peers.flatMap((peer) => (peer ? [peer] : []));

/** Together, so that few transactions do; and in two steps, as what is deleted must have been there. */
async function fill(): Promise<BucketKey[]> {
  const at = (n: number): Peer => running()[n % running().length] as Peer;
  const numbers = Array.from({ length: KEYS }, (_, n) => n);
  const few = numbers.slice(0, SETS);
  const counters = numbers.slice(0, COUNTERS);
  await Promise.all([
    ...numbers.map((n) => at(n).set(`k${n}`, `value ${n} ${'y'.repeat(n % 11 === 0 ? 7000 : 20 + n)}`)),
    ...running().flatMap((peer, index) => [
      ...counters.map((n) => peer.increment(`c${n}`, n + 1, { bucket: 'sums' })),
      ...few.map((n) => peer.add(`s${n}`, [`of ${index}`, 'of all'], { bucket: 'tags' })),
      ...few.map((n) => peer.set(`b${n}`, `basket ${n}`, { bucket: 'carts' })),
    ]),
  ]);
  await Promise.all(numbers.slice(0, DELETED).map((n) => at(n).delete(`k${n}`)));
  return [
    ...numbers.map((n): BucketKey => ['default', `k${n}`]),
    ...counters.map((n): BucketKey => ['sums', `c${n}`]),
    ...few.flatMap((n): BucketKey[] => [
      ['tags', `s${n}`],
      ['carts', `b${n}`],
    ]),
  ];
}

/** A page that went back to what it was before is found by audits alone, so it must stay settled for a while. */
async function settle(ms: number, forMs: number): Promise<boolean> {
  const until = performance.now() + ms;
  let since = Infinity;
  while (performance.now() < until) {
    const now = performance.now();
    since = isSettled(running().map((peer) => peer.status())) ? Math.min(since, now) : Infinity;
    if (now - since >= forMs) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function isSettled(statuses: readonly Status[]): boolean {
  const buckets = statuses.map((status) => Object.values(status.buckets));
  const isWhole = buckets.flat().every(({ inSync, damaged = 0 }) => inSync && damaged === 0);
  const states = buckets.map((rows) => rows.map(({ hash, keys }) => `${hash} ${keys}`).join());
  return isWhole && new Set(states).size === 1;
}

async function read(peer: Peer, keys: readonly BucketKey[]): Promise<Shown> {
  const values: Answer[] = [];
  for (const [bucket, key] of keys) {
    try {
      const value = await peer.get(key, { bucket });
      values.push({ text: value === undefined ? null : JSON.stringify(value) });
    } catch (error) {
      values.push({ code: codeOf(error) });
    }
  }
  const known = new Set(keys.map(([bucket, key]) => `${bucket} ${key}`));
  const others: string[] = [];
  for (const bucket of Object.keys(PACK_BUCKETS)) {
    try {
      for await (const key of peer.keys({ bucket }))
        if (!known.has(`${bucket} ${key}`)) others.push(`${bucket} ${key}`);
    } catch (error) {
      // A listing that stops with a name is an answer; what it should have listed is asked for above.
      if (!(error instanceof RumeurError)) throw error;
    }
  }
  const status = peer.status();
  const isDamaged = Object.values(status.buckets).some(({ damaged = 0 }) => damaged > 0);
  return { values, others, isDamaged, isReadOnly: status.readOnly };
}

async function close(): Promise<string[]> {
  const results = await Promise.allSettled(running().map((peer) => peer.close()));
  peers = [];
  return results.flatMap((result) => (result.status === 'rejected' ? [codeOf(result.reason)] : []));
}

function obey(order: PackOrder): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return open(order);
    case 'fill':
      return fill();
    case 'settle':
      return settle(order.ms, order.forMs);
    case 'read':
      return Promise.all(running().map((peer) => read(peer, order.keys)));
    case 'close':
      return close();
  }
}

process.on('message', (order: PackOrder) => {
  obey(order).then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
