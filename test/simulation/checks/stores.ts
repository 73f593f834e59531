import { equalBytes } from '../../../src/base/bytes.js';
import type { BucketName, OriginId } from '../../../src/base/ids.js';
import { hasLive, isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import { Fingerprint } from '../../../src/data/fingerprint.js';
import { RANGE_SHIFTS } from '../../../src/protocol/ranges.js';
import type { RangeLevel } from '../../../src/replica/view.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';

const LEVELS: readonly RangeLevel[] = [0, 1, 2];

/** The store's cells, indexes, sums and totals and the replica's memory tell the same. */
export function checkStore(peer: SimPeer): void {
  if (peer.storage.damagedKeys().length > 0) return;
  for (const bucket of peer.replica.core.buckets.values()) {
    const { name } = bucket;
    // Rows that cannot be read are still being looked up, or a crash came before they were: then all is counted anew.
    if (bucket.damages.isUnsettled) continue;
    const fail = (text: string): never => {
      throw new Violation('store', `${peer.url}, bucket '${name}': ${text}`);
    };
    const cells = [...peer.storage.cells(name, {})];
    const entries = cells.flat();
    const keys = cells.filter(hasLive).length;
    const tombstones = entries.filter((entry) => !isLive(entry)).length;
    if (keys !== bucket.keys) fail(`counts ${bucket.keys} keys of ${keys}`);
    if (tombstones !== bucket.tombstones) fail(`counts ${bucket.tombstones} tombstones of ${tombstones}`);
    const sum = Fingerprint.empty();
    for (const entry of entries) if (isLive(entry)) sum.add(entry.digest);
    if (sum.toText() !== bucket.fingerprint.toText()) fail('its hash is not that of its entries');
    const byOrigin = new Map<OriginId, Entry[]>();
    for (const entry of entries) byOrigin.set(entry.origin, [...(byOrigin.get(entry.origin) ?? []), entry]);
    for (const [origin] of bucket.vector.entries()) {
      checkIndexes(peer, name, origin, byOrigin.get(origin) ?? [], fail);
    }
    for (const origin of byOrigin.keys()) {
      if (bucket.vector.get(origin).length === 0) fail(`holds entries of ${origin} and covers none`);
    }
  }
}

function checkIndexes(
  { storage }: SimPeer,
  name: BucketName,
  origin: OriginId,
  entries: readonly Entry[],
  fail: (text: string) => never,
): void {
  const rows = [...storage.dots(name, origin, 1, Number.MAX_SAFE_INTEGER, 'rising')];
  const expected = entries.toSorted((a, b) => a.seq - b.seq);
  const isSame =
    rows.length === expected.length &&
    rows.every(({ seq, key }, i) => seq === expected[i]?.seq && key === expected[i].key);
  if (!isSame) {
    const text = (list: readonly { seq: number; key: string }[]): string =>
      list.map(({ seq, key }) => `${seq}=${key}`).join(' ');
    fail(`the dot index of ${origin} names ${text(rows)} where ${text(expected)} stand`);
  }
  const marked = [...storage.tombstones(name, origin, 1, Number.MAX_SAFE_INTEGER)].map(({ seq }) => seq);
  const dead = expected.filter((entry) => !isLive(entry));
  if (marked.join() !== dead.map(({ seq }) => seq).join()) {
    fail(
      `the index of tombstones of ${origin} names ${marked.join(' ')}, not ${dead.map(dotToText).join(' ')}`,
    );
  }
  for (const level of LEVELS) checkSums(storage, name, origin, level, entries, fail);
}

function checkSums(
  storage: SimPeer['storage'],
  name: BucketName,
  origin: OriginId,
  level: RangeLevel,
  entries: readonly Entry[],
  fail: (text: string) => never,
): void {
  const expected = new Map<number, Fingerprint>();
  for (const entry of entries) {
    if (!isLive(entry)) continue;
    const index = Math.floor(entry.seq / 2 ** RANGE_SHIFTS[level]);
    const sum = expected.get(index) ?? Fingerprint.empty();
    sum.add(entry.digest);
    expected.set(index, sum);
  }
  for (const { index, sum } of storage.ranges(name, origin, level, 0, Number.MAX_SAFE_INTEGER)) {
    const own = expected.get(index);
    if (!own || !equalBytes(own.toBytes(), sum))
      fail(`block ${level}/${index} of ${origin} has another sum than its entries`);
    expected.delete(index);
  }
  if (expected.size > 0) fail(`no sum for block ${level}/${[...expected.keys()].join(' ')} of ${origin}`);
}
