import type { BucketName, PeerId } from '../../../src/base/ids.js';
import { isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import { type Intervals, subtract } from '../../../src/data/intervals.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { Put } from '../../../src/replica/batch.js';
import type { Input, Step } from '../../../src/replica/step.js';
import { isEvicted, type MemberRecord } from '../../../src/protocol/members.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';
import { isUncertain } from './cells.js';
import { type BucketLog, isSameDot } from './op-log.js';

/** What went from a cell without anything that supersedes it in its place. */
export function vanished({ before, after }: Put, log: BucketLog): Entry[] {
  return before.filter(
    (entry) => !after.some((other) => isSameDot(other, entry) || log.supersedes(other, entry)),
  );
}

/** Predicate 5: whatever live is taken out without anything in its place was superseded by a write that exists. */
export function checkShed(peer: SimPeer, entry: Entry, log: BucketLog): void {
  if (log.of(entry.key).some((op) => log.supersedes(op, entry))) return;
  throw new Violation(
    'shed',
    `${peer.url} drops ${dotToText(entry)} of '${entry.key}', which nothing supersedes`,
  );
}

/** What is on a peer's disk that covers a bucket. */
export const flushedVector = (peer: SimPeer, name: BucketName): VersionVector =>
  new VersionVector(peer.disk.state()?.buckets.get(name)?.vector);

/**
 * Predicate 6: a tombstone goes only when every member that counts has announced that its disk covers it, and we
 * cover all that any of them has announced (rule 10).
 * @param all where nobody else can have writes: the disk of each that is known here must cover it, whatever it announced
 */
export function checkDrop(
  peer: SimPeer,
  name: BucketName,
  entry: Entry,
  members: Iterable<MemberRecord>,
  all: readonly SimPeer[],
): void {
  const fail = (why: string): never => {
    throw new Violation('drop', `${peer.url} drops tombstone ${dotToText(entry)} of '${entry.key}': ${why}`);
  };
  const { vector } = peer.bucketNamed(name);
  if (!vector.covers(entry)) fail('it does not cover it');
  const known = new Set<PeerId>();
  for (const record of members) {
    if (isEvicted(record)) continue;
    known.add(record.peer);
    const announced = record.vectors.find(([bucket]) => bucket === name)?.[1] ?? new VersionVector();
    if (!announced.covers(entry)) fail(`member ${record.name} has not announced it`);
    if (!announced.within(vector)) fail(`member ${record.name} covers what it does not cover itself`);
  }
  for (const other of all) {
    // A member that it never heard of is an outsider to it (rule 12).
    if (!known.has(other.replica.peerId)) continue;
    // What a disk loses later to damage is brought back by reconciliation.
    if (other.running && isUncertain(other, other.bucketNamed(name), entry.key)) continue;
    if (!flushedVector(other, name).covers(entry)) fail(`${other.url} has it not on its disk`);
  }
}

/** Predicate 3: what a drop adds to the floor lies within the vector; only reconciliation may bring more. */
export class FloorWatch {
  readonly #floors = new Map<string, Intervals>();

  started(peer: SimPeer): void {
    for (const { name, floor } of peer.replica.core.buckets.values()) {
      for (const [origin, set] of floor.entries()) this.#floors.set(`${peer.url} ${name} ${origin}`, set);
    }
  }

  handled(peer: SimPeer, step: Step): void {
    const isShed = step.notes.some(({ event }) => event === 'reconciled');
    for (const { bucket: name, origin, intervals } of step.persist?.floors ?? []) {
      const id = `${peer.url} ${name} ${origin}`;
      const added = subtract(intervals, this.#floors.get(id) ?? []);
      this.#floors.set(id, intervals);
      const beyond = subtract(added, peer.bucketNamed(name).vector.get(origin));
      if (beyond.length === 0 || isShed) continue;
      throw new Violation(
        'floor',
        `${peer.url} adds ${origin} ${beyond.join()} of '${name}' to its floor, which it does not cover`,
      );
    }
  }
}

export const isTombstone = (entry: Entry): boolean => !isLive(entry);

/**
 * A member announces only what a crash would leave it. Its own record also changes when it is evicted, and when others
 * tell what a former process of it announced: that says nothing of the disk of today.
 */
export function checkAnnouncements(peer: SimPeer, input: Input, step: Step): void {
  if (input.kind !== 'flushed') return;
  const own = step.persist?.members.find((record) => record.peer === peer.replica.peerId);
  if (!own) return;
  const state = peer.disk.state();
  for (const [name, vector] of own.vectors) {
    const flushed = new VersionVector(state?.buckets.get(name)?.vector);
    if (vector.within(flushed)) continue;
    const text = `announces ${vector.toText()} of '${name}' and has ${flushed.toText()} on its disk`;
    throw new Violation('announcement', `${peer.url} ${text}`);
  }
}
