import { equalBytes } from '../base/bytes.js';
import type { OriginId } from '../base/ids.js';
import { standing } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import { pairs } from '../data/intervals.js';
import { type Stamp, stampAt } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import type { Announcer } from './announcer.js';
import type { Bucket } from './bucket.js';
import { activeLinks, type Core } from './core.js';
import type { Members } from './members.js';
import type { Roster } from './roster.js';
import type { Turn } from './turn.js';
import type { DotRow } from './view.js';

/** Tombstones looked at in one turn. */
const SLICE = 1_000;
/** Looks for something to drop in the time between two announcements. */
const LOOKS = 4;
/** Ranges that were swept are looked at again after this: reconciliation may have brought a tombstone back, milliseconds. */
const SWEEP_AGAIN_MS = 60_000;

interface Tombstone extends DotRow {
  readonly origin: OriginId;
}

/** What may go: tombstones of these dots, not above this stamp. */
interface Consent {
  readonly dots: VersionVector;
  readonly upTo: Stamp | undefined;
}

/** What is remembered of a bucket, so that nothing is scanned twice without a reason. */
interface Progress {
  /** No tombstone of these dots stands any more. */
  swept: VersionVector;
  /** When all of it is doubted. */
  doubtAt: number;
  /** The pass under way: what it has looked at, and what of that stays. */
  readonly visited: VersionVector;
  readonly kept: VersionVector;
  /** The state in which the last pass found nothing more to do. */
  version: number;
  vectorHash: Uint8Array | undefined;
}

/**
 * Drops tombstones that everybody has (rules 10 to 12): those that every member has announced to have on its disk, once
 * we ourselves cover all that members have announced. Else a write older than the tombstone, known to a member and not
 * yet to us, would come after the drop and stand up again. What may be missing here since is in the floor.
 */
export class Tombstones {
  readonly #core: Core;
  readonly #members: Members;
  readonly #roster: Roster;
  readonly #announcer: Announcer;
  readonly #progress = new Map<Bucket, Progress>();
  /** Buckets in which there may be something to drop. */
  readonly #due = new Set<Bucket>();
  #lookAt = 0;

  constructor(core: Core, members: Members, roster: Roster, announcer: Announcer) {
    this.#core = core;
    this.#members = members;
    this.#roster = roster;
    this.#announcer = announcer;
  }

  /** The next slice. The store must show everything that the vectors cover: not in a turn with writes of its own. */
  wake(turn: Turn): void {
    if (turn.now >= this.#lookAt) {
      this.#lookAt = turn.now + this.#announcer.pauseMs() / LOOKS;
      for (const bucket of this.#core.buckets.values())
        if (this.#hasReason(turn, bucket)) this.#due.add(bucket);
    }
    for (const bucket of this.#due) {
      if (turn.wrote) return;
      if (!this.#sweep(turn, bucket)) this.#due.delete(bucket);
    }
  }

  nextWakeAt(now: number): number {
    if (this.#due.size > 0) return now;
    for (const { tombstones } of this.#core.buckets.values()) if (tombstones > 0) return this.#lookAt;
    return Infinity;
  }

  /** Something has changed since the last pass through the bucket, or time alone may do it. */
  #hasReason(turn: Turn, bucket: Bucket): boolean {
    if (bucket.tombstones === 0 || bucket.damages.size > 0) return false;
    const progress = this.#progress.get(bucket);
    if (!progress || turn.now >= progress.doubtAt || progress.version !== this.#members.version) return true;
    const isSame = progress.vectorHash !== undefined && equalBytes(progress.vectorHash, bucket.vector.hash());
    return !isSame || this.#vectorsOf(bucket).length === 0;
  }

  #vectorsOf(bucket: Bucket): VersionVector[] {
    return [...this.#members.announced(bucket.name)].map(([, vector]) => vector);
  }

  /**
   * Rule 10. Where no peer has a durable store, nobody announces anything: those that we are linked to stand in, and
   * tombstones wait besides for as long as an absent member would be waited for.
   */
  #consent(turn: Turn, bucket: Bucket): Consent | undefined {
    if (bucket.damages.size > 0 || !this.#roster.isSettled(turn.now)) return undefined;
    const announced = this.#vectorsOf(bucket);
    const isAlone = announced.length === 0;
    const vectors = isAlone ? this.#linked(bucket) : announced;
    if (!vectors.every((vector) => vector.within(bucket.vector))) return undefined;
    return {
      dots: vectors.reduce((all, vector) => all.intersect(vector), bucket.vector.clone()),
      upTo: isAlone ? stampAt(turn.wall - this.#core.options.evictAfterMs) : undefined,
    };
  }

  #linked(bucket: Bucket): VersionVector[] {
    return activeLinks(this.#core)
      .filter(({ refused }) => !refused.has(bucket.name))
      .map(({ vectors }) => vectors.get(bucket.name) ?? new VersionVector());
  }

  /** One slice of a bucket. @returns whether there may be more to do at once */
  #sweep(turn: Turn, bucket: Bucket): boolean {
    const consent = this.#consent(turn, bucket);
    if (!consent) return false;
    const progress = this.#progressOf(turn, bucket);
    const todo = consent.dots.minus(progress.swept).minus(progress.visited);
    const { rows, exhausted } = this.#scan(bucket, todo, progress, consent.upTo);
    let dropped = 0;
    let upTo = bucket.droppedUpTo;
    for (const row of rows) {
      const fate = this.#drop(turn, bucket, row);
      // A damaged row has come to light: it may hold anything, and the bucket waits for its repair.
      if (bucket.damages.size > 0) break;
      if (fate === 'kept') progress.kept.add(row.origin, row.seq, row.seq);
      if (fate !== 'dropped') continue;
      dropped++;
      if (row.stamp > upTo) upTo = row.stamp;
    }
    if (dropped > 0) this.#record(turn, bucket, consent.dots, upTo, dropped);
    if (bucket.damages.size > 0) this.#progress.delete(bucket);
    else if (exhausted) this.#finish(bucket, progress);
    return !exhausted && bucket.damages.size === 0;
  }

  #progressOf(turn: Turn, bucket: Bucket): Progress {
    const known = this.#progress.get(bucket);
    if (known && turn.now < known.doubtAt) return known;
    const progress = {
      swept: new VersionVector(),
      doubtAt: turn.now + SWEEP_AGAIN_MS,
      visited: new VersionVector(),
      kept: new VersionVector(),
      version: -1,
      vectorHash: undefined,
    };
    this.#progress.set(bucket, progress);
    return progress;
  }

  /** The next tombstones within `todo`, by origin and seq, up to a slice; all that was looked at is noted as visited. */
  #scan(
    bucket: Bucket,
    todo: VersionVector,
    { visited, kept }: Progress,
    upTo: Stamp | undefined,
  ): { rows: Tombstone[]; exhausted: boolean } {
    const rows: Tombstone[] = [];
    for (const [origin, set] of todo.entries()) {
      for (const [lo, hi] of pairs(set)) {
        for (const row of this.#core.view.tombstones(bucket.name, origin, lo, hi)) {
          if (rows.length === SLICE) {
            // Up to the one before this: the next slice begins here.
            if (row.seq > lo) visited.add(origin, lo, row.seq - 1);
            return { rows, exhausted: false };
          }
          if (upTo !== undefined && row.stamp > upTo) {
            // Stamps rise with seq: what follows is too young as well.
            kept.add(origin, row.seq, hi);
            break;
          }
          rows.push({ ...row, origin });
        }
        visited.add(origin, lo, hi);
      }
    }
    return { rows, exhausted: true };
  }

  /**
   * A tombstone that names what it supersedes stays while somebody whom we are linked to has of that what we lack: its
   * author need not be a member, and then nobody has announced it. What nobody has, a crash may have lost for good.
   */
  #drop(turn: Turn, bucket: Bucket, row: Tombstone): 'dropped' | 'kept' | 'gone' {
    const entry = standing(turn.get(bucket, row.key), row);
    if (!entry) {
      turn.distrust(bucket, row.key, row);
      return 'gone';
    }
    // Reading it may have brought damage of its cell to light: then nothing is dropped, as no floor would be raised.
    if (bucket.damages.size > 0 || entry.value !== null || this.#isAwaited(bucket, entry)) return 'kept';
    return turn.remove(bucket, entry) ? 'dropped' : 'kept';
  }

  #isAwaited(bucket: Bucket, { context }: Entry): boolean {
    if (!context || context.within(bucket.vector)) return false;
    const missing = context.minus(bucket.vector);
    return this.#linked(bucket).some((known) => known.intersect(missing).size > 0);
  }

  /** Rule 11: the floor belongs to the transaction of the drop. */
  #record(turn: Turn, bucket: Bucket, dots: VersionVector, upTo: Stamp, dropped: number): void {
    turn.raiseFloor(bucket, dots.intersect(bucket.vector));
    bucket.droppedUpTo = upTo;
    turn.totalsChanged(bucket);
    this.#core.counters.tombstonesDropped += dropped;
    turn.note('debug', 'tombstones-dropped', `${dropped} tombstones of bucket '${bucket.name}' are gone`, {
      standing: bucket.tombstones,
    });
  }

  #finish(bucket: Bucket, { swept, doubtAt, visited, kept }: Progress): void {
    swept.merge(visited.minus(kept));
    this.#progress.set(bucket, {
      swept,
      doubtAt,
      visited: new VersionVector(),
      kept: new VersionVector(),
      version: this.#members.version,
      vectorHash: bucket.vector.hash(),
    });
  }
}
