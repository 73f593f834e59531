import type { OriginId } from '../../../../src/base/ids.js';
import { type Cell, EMPTY_CELL, isLive } from '../../../../src/data/cell.js';
import { dotToText } from '../../../../src/data/dot.js';
import { compareWrites, type Entry, sealEntry } from '../../../../src/data/entry.js';
import { atLeast } from '../../../../src/data/intervals.js';
import type { LocalOp, WriteContext } from '../../../../src/data/op.js';
import type { Content, Policy } from '../../../../src/data/policy.js';
import { contextOf } from '../../../../src/data/policies/causal.js';
import { type Stamp, STAMP_ZERO } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';

export type Writes = ReadonlySet<Entry>;

/** One replica of a bucket, with no more than the policies see of one. */
export interface Replica {
  origin: OriginId;
  firstSeq: number;
  readonly droppedUpTo: Stamp;
  written: number;
  vector: VersionVector;
  floor: VersionVector;
  cells: Map<string, Cell>;
  /** Its own last stamp. Those of others do not advance it: the clocks of the model are as bad as can be. */
  clock: bigint;
}

/** A context as a client holds it, and what that client has truly seen. */
interface Reading {
  key: string;
  context: WriteContext;
  seen: Writes;
}

/**
 * Replicas that write through `prepare` and exchange writes one by one or newest first in chunks with claims, and the
 * truth beside them: which writes the writer of each had seen.
 */
export class World {
  readonly policy: Policy;
  readonly replicas: Replica[];
  readonly log: Entry[] = [];
  /** The writes under the same key that the writer of each had seen. */
  readonly known = new Map<Entry, Writes>();
  readonly readings: Reading[] = [];
  #origins = 0;

  constructor(policy: Policy, replicas: number) {
    this.policy = policy;
    this.replicas = Array.from({ length: replicas }, () => ({
      origin: this.newOrigin(),
      firstSeq: 1,
      droppedUpTo: STAMP_ZERO,
      written: 0,
      vector: new VersionVector(),
      floor: new VersionVector(),
      cells: new Map<string, Cell>(),
      clock: 0n,
    }));
  }

  newOrigin(): OriginId {
    // Not in the order of their making, so that ties between stamps fall either way.
    const letter = 'mbxdkfzhyj'[this.#origins % 10] ?? 'm';
    return `${letter}${String(this.#origins++).padStart(20, '0')}` as OriginId;
  }

  cell(replica: Replica, key: string): Cell {
    return replica.cells.get(key) ?? EMPTY_CELL;
  }

  read(replica: Replica, key: string): void {
    const cell = this.cell(replica, key);
    this.readings.push({ key, context: contextOf(cell, replica.vector), seen: this.seenIn(cell) });
  }

  seenIn(cell: Cell): Writes {
    return new Set(cell.flatMap((entry) => [entry, ...this.knownTo(entry)]));
  }

  knownTo(entry: Entry): Writes {
    return this.known.get(entry) ?? new Set();
  }

  /** @returns the write, if there was something to write */
  write(replica: Replica, op: LocalOp, reading?: Reading): Entry | undefined {
    const cell = this.cell(replica, op.key);
    const whole = reading && 'value' in op ? { ...op, context: reading.context } : op;
    const content = this.policy.prepare(cell, whole, replica);
    if (!content) return undefined;
    const entry = this.issue(replica, op.key, content);
    this.known.set(entry, this.#truth(replica, entry, cell, reading));
    return entry;
  }

  #truth(replica: Replica, entry: Entry, cell: Cell, reading: Reading | undefined): Writes {
    if (reading) return reading.seen;
    if (this.policy.name !== 'counter' || !isLive(entry)) return this.seenIn(cell);
    // A running total stands for the earlier ones of its origin and for nothing else.
    const own = this.log.filter((other) => isLive(other) && other.origin === replica.origin);
    return new Set(own.filter((other) => other.key === entry.key && other !== entry));
  }

  issue(replica: Replica, key: string, { value, context, above = 0n as Stamp }: Content): Entry {
    const seq = ++replica.written;
    replica.clock = (replica.clock > above ? replica.clock : above) + 1n;
    const stamp = replica.clock as Stamp;
    const entry = sealEntry({
      origin: replica.origin,
      seq,
      stamp,
      key,
      value,
      ...(context ? { context } : {}),
    });
    this.log.push(entry);
    this.take(replica, entry);
    return entry;
  }

  /** As a push does it: what is covered is not looked at. */
  take(replica: Replica, entry: Entry): void {
    if (replica.vector.covers(entry)) return;
    this.apply(replica, entry);
    replica.vector.add(entry.origin, entry.seq, entry.seq);
  }

  apply(replica: Replica, entry: Entry): void {
    const after = this.policy.admit(this.cell(replica, entry.key), entry);
    if (after) replica.cells.set(entry.key, after);
  }

  /** One chunk of a delta, newest first, with the claims of rules 2 and 3. */
  sync(from: Replica, to: Replica, most: number): void {
    const missing = [...from.cells.values()].flat().filter((entry) => !to.vector.covers(entry));
    const chunk = missing.sort(compareWrites).reverse().slice(0, most);
    const claims = new VersionVector();
    for (const { origin, seq } of chunk) claims.addAll(origin, atLeast(from.vector.get(origin), seq));
    for (const entry of chunk) this.apply(to, entry);
    to.vector.merge(missing.length === chunk.length ? from.vector : claims);
  }

  /** Rules 10 and 11, everybody being a member who is known by all. */
  dropTombstones(replica: Replica): void {
    const vectors = this.replicas.map(({ vector }) => vector);
    if (!vectors.every((vector) => vector.within(replica.vector))) return;
    const common = vectors.reduce((all, vector) => all.intersect(vector));
    for (const [key, cell] of replica.cells) {
      replica.cells.set(
        key,
        cell.filter((entry) => isLive(entry) || !common.covers(entry)),
      );
    }
    replica.floor.merge(common);
  }

  /** Every write comes to every replica that does not cover it, then every replica's state to every other. */
  heal(): void {
    for (const replica of this.replicas) for (const entry of this.log) this.take(replica, entry);
    for (let round = 0; round < 2; round++) {
      for (const from of this.replicas) for (const to of this.replicas) this.sync(from, to, Infinity);
    }
  }

  /** Which of these writes of one key no other of them had seen. */
  unseen(entries: readonly Entry[]): Entry[] {
    return entries.filter((entry) => !entries.some((other) => this.knownTo(other).has(entry)));
  }

  /** Covered writes that neither stand nor are superseded by what stands or by a tombstone within the floor. */
  lost(replica: Replica): string[] {
    const dropped = this.log.filter((entry) => !isLive(entry) && replica.floor.covers(entry));
    return this.log
      .filter((entry) => replica.vector.covers(entry))
      .filter((entry) => {
        const kept = [...this.cell(replica, entry.key), ...dropped.filter(({ key }) => key === entry.key)];
        return !kept.some((held) => this.#accountsFor(held, entry));
      })
      .map(dotToText);
  }

  #accountsFor(held: Entry, entry: Entry): boolean {
    return this.policy.admit([held], entry) === undefined;
  }
}

/** What of cells can be compared: the dots, in the order of the cell. */
export const dotsOf = (cell: Cell): string[] => cell.map(dotToText);

export const fold = (policy: Policy, entries: Iterable<Entry>, start: Cell = EMPTY_CELL): Cell => {
  let cell = start;
  for (const entry of entries) cell = policy.admit(cell, entry) ?? cell;
  return cell;
};
