import { compareUtf8, equalBytes } from '../base/bytes.js';
import type { BucketName, LinkId, OriginId, PeerId } from '../base/ids.js';
import { type Cell, hasLive, isLive, standing, without } from '../data/cell.js';
import type { Dot } from '../data/dot.js';
import { type Entry, isSound, sealEntry } from '../data/entry.js';
import type { Intervals } from '../data/intervals.js';
import { VersionVector } from '../data/version-vector.js';
import { encodeMessage } from '../protocol/codec.js';
import type { AddressRecord } from '../protocol/address-book.js';
import type { Link } from '../protocol/link.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Message } from '../protocol/messages.js';
import type { Stamp } from '../data/stamp.js';
import type { Batch, Put, Totals, VectorRow } from './batch.js';
import type { Bucket } from './bucket.js';
import { floorFor } from './compactness.js';
import type { Counters } from './core.js';
import { DamageChanges } from './damage-changes.js';
import type { Change, Note, Now, Reply, Source, Step } from './step.js';
import type { DotRow, View } from './view.js';

/** What to do about a cell with damaged entries, or without the one that `missing` names; returns the rest of it. */
export type OnDamage = (turn: Turn, bucket: Bucket, key: string, cell: Cell, missing?: Dot) => Cell;

/** Entries of a cell from which on not every change of it is told to watchers. */
const MANY = 64;

type OpenPut = Omit<Put, 'after'> & { after: Cell };

/**
 * One call of `handle`: what it reads (the store and what this turn itself has written) and the step that it
 * builds up. Vectors and totals change in memory at once; the batch makes the store follow.
 */
export class Turn {
  /** Monotonic, for whatever is due: milliseconds since some moment. */
  readonly now: number;
  /** The wall clock, for stamps: milliseconds since 1970. It may jump. */
  readonly wall: number;
  readonly #view: View;
  readonly #counters: Counters;
  readonly #onDamage: OnDamage;
  // Most turns change little or nothing: what collects changes is made with the first of them.
  /** What this turn has put, one for each key; the cell may change once more. */
  #puts: Map<BucketName, Map<string, OpenPut>> | undefined;
  #vectors: Map<Bucket, Set<OriginId>> | undefined;
  #floors: Map<Bucket, Set<OriginId>> | undefined;
  #totals: Set<Bucket> | undefined;
  #damage: DamageChanges | undefined;
  /** Records that changed; `undefined` where one is taken out. */
  #members: Map<PeerId, MemberRecord | undefined> | undefined;
  readonly #sends: { link: LinkId; bytes: Uint8Array }[] = [];
  readonly #closes: { link: LinkId; reason: string }[] = [];
  readonly #dials: string[] = [];
  readonly #replies: Reply[] = [];
  readonly #changes: Change[] = [];
  readonly #notes: Note[] = [];
  #clock: Stamp | undefined;
  #origin: OriginId | undefined;
  #flushMark: number | undefined;
  /** How what is applied from here on came to us; `undefined`: written here. */
  source: Source | undefined;

  constructor(now: Now, view: View, counters: Counters, onDamage: OnDamage) {
    this.now = now.mono;
    this.wall = Math.max(0, Math.floor(now.wall));
    this.#view = view;
    this.#counters = counters;
    this.#onDamage = onDamage;
  }

  get damage(): DamageChanges {
    return (this.#damage ??= new DamageChanges());
  }

  /** What stands under a key, this turn's own writes included; damaged entries are taken out on the way. */
  get(bucket: Bucket, key: string): Cell {
    const written = this.#puts?.get(bucket.name)?.get(key);
    if (written) return written.after;
    const cell = this.#view.get(bucket.name, key);
    return this.#view.isSafe === true || cell.every(isSound) ? cell : this.#onDamage(this, bucket, key, cell);
  }

  /** The dot index names an entry that is not under its key. */
  distrust(bucket: Bucket, key: string, missing: Dot): void {
    const cell = this.get(bucket, key);
    // What this turn has written or taken out there, perhaps just now, the index does not show yet.
    if (this.#puts?.get(bucket.name)?.has(key) === true) return;
    this.#onDamage(this, bucket, key, cell, missing);
  }

  /** Replaces a damaged row by what of it is sound; the dots in `lost` are marked as missing. */
  quarantine(bucket: Bucket, key: string, rest: Cell, lost: readonly (Dot & DotRow)[]): void {
    // Tombstones in the eyes of the store: they leave its indexes, and no sum, as nobody knows their digests.
    const gone = lost.map(({ origin, seq, stamp }) => sealEntry({ origin, seq, stamp, key, value: null }));
    this.#put(bucket, key, [...rest, ...gone], rest);
    for (const { origin, seq, stamp } of lost) this.damage.setMark(bucket, { origin, seq, stamp, key });
  }

  /** Gives entries that stand under a key and that the dot index has lost their rows back. */
  indexAgain(bucket: Bucket, key: string, cell: Cell, lost: Cell): void {
    this.#put(bucket, key, without(cell, lost), cell);
  }

  /**
   * Takes `entry` into its cell if the bucket's policy says that it stands; the dot is not covered by this.
   * @param before what stands under its key, for callers who have just got it
   */
  apply(bucket: Bucket, entry: Entry, before = this.get(bucket, entry.key)): boolean {
    const after = bucket.policy.admit(before, entry);
    if (!after) return false;
    this.#replace(bucket, entry, before, after);
    return true;
  }

  /** Takes exactly this entry out, with nothing in its place; the dot stays covered. */
  remove(bucket: Bucket, entry: Entry): boolean {
    const before = this.get(bucket, entry.key);
    const held = standing(before, entry);
    if (!held || !equalBytes(held.digest, entry.digest)) return false;
    this.#replace(
      bucket,
      entry,
      before,
      before.filter((other) => other !== held),
    );
    return true;
  }

  #replace(bucket: Bucket, entry: Entry, before: Cell, after: Cell): void {
    const gone = without(before, after);
    const come = without(after, before);
    for (const old of gone) count(bucket, old, -1);
    for (const now of come) count(bucket, now, 1);
    const keys = Number(hasLive(after)) - Number(hasLive(before));
    bucket.keys += keys;
    const { counting } = bucket;
    if (counting && compareUtf8(entry.key, counting.upTo) <= 0) {
      counting.keys += keys;
      counting.tombstones += deadIn(come) - deadIn(gone);
    }
    this.#put(bucket, entry.key, before, after);
    this.totalsChanged(bucket);
    if (hasLive(gone) || hasLive(come)) {
      this.#tell({ bucket: bucket.name, entry, before, cell: after, from: this.source });
    }
  }

  #put(bucket: Bucket, key: string, before: Cell, after: Cell): void {
    this.#puts ??= new Map();
    let puts = this.#puts.get(bucket.name);
    if (!puts) this.#puts.set(bucket.name, (puts = new Map<string, OpenPut>()));
    const former = puts.get(key);
    if (former) former.after = after;
    else puts.set(key, { bucket: bucket.name, key, before, after });
  }

  /** Of a cell that has become large only its last change is told: each would hold all of it. */
  #tell(change: Change): void {
    const last = this.#changes.at(-1);
    const isSame = last?.entry.key === change.entry.key && last.bucket === change.bucket;
    if (isSame && change.cell.length > MANY) this.#changes.pop();
    this.#changes.push(change);
  }

  cover(bucket: Bucket, origin: OriginId, set: Intervals): void {
    bucket.vector.addAll(origin, set);
    this.#vectorChanged(bucket, origin);
    if (bucket.damages.size > 0) this.#clearDamages(bucket, origin, set);
  }

  /** A damaged row is repaired when its dot is covered again (rule 15). */
  #clearDamages(bucket: Bucket, origin: OriginId, set: Intervals): void {
    for (const mark of bucket.damages.within(origin, set)) {
      this.damage.clearMark(bucket, mark);
      this.#counters.rowsRepaired++;
      const hasCome = standing(this.get(bucket, mark.key), mark) !== undefined;
      const how = hasCome ? 'is whole again' : 'held what was superseded elsewhere, and is gone';
      this.note('info', 'row-repaired', `the damaged row of '${mark.key}' ${how}`, { bucket: bucket.name });
      // By what, we may never learn: its tombstone may be gone.
      if (!hasCome)
        this.raiseFloor(bucket, floorFor(bucket.floor, VersionVector.ofDots([mark]), bucket.vector));
    }
  }

  coverAll(bucket: Bucket, dots: VersionVector): void {
    for (const [origin, set] of dots.entries()) this.cover(bucket, origin, set);
  }

  /** For dots whose content this store does not hold although it covers them: an origin that was used twice. */
  uncover(bucket: Bucket, origin: OriginId, set: Intervals): void {
    bucket.vector.removeAll(origin, set);
    this.#counters.uncoverings++;
    this.#vectorChanged(bucket, origin);
  }

  #vectorChanged(bucket: Bucket, origin: OriginId): void {
    this.#vectors ??= new Map();
    noteOrigin(this.#vectors, bucket, origin);
  }

  /** Tombstones of these dots may be gone from here on (rule 11). */
  raiseFloor(bucket: Bucket, dots: VersionVector): void {
    for (const [origin, set] of dots.minus(bucket.floor).entries()) {
      bucket.floor.addAll(origin, set);
      this.#floors ??= new Map();
      noteOrigin(this.#floors, bucket, origin);
    }
  }

  /** `keys`, `tombstones`, `droppedUpTo` or the fingerprint were set directly. */
  totalsChanged(bucket: Bucket): void {
    (this.#totals ??= new Set()).add(bucket);
  }

  putMember(record: MemberRecord): void {
    (this.#members ??= new Map()).set(record.peer, record);
  }

  forgetMember(peer: PeerId): void {
    (this.#members ??= new Map()).set(peer, undefined);
  }

  /** The input `flushed` with this mark is to come once everything up to this turn is on the disk. */
  requestFlush(mark: number): void {
    this.#flushMark = mark;
  }

  /** Whether this turn has written entries or put sums right: the store is behind until the step has been performed. */
  get wrote(): boolean {
    return this.#puts !== undefined || (this.#damage?.sums.length ?? 0) > 0;
  }

  setClock(stamp: Stamp): void {
    this.#clock = stamp;
  }

  setOrigin(origin: OriginId): void {
    this.#origin = origin;
  }

  send(link: Link, message: Message): void {
    this.sendBytes(link, encodeMessage(message));
  }

  sendBytes(link: Link, bytes: Uint8Array): void {
    if (link.closing) return;
    link.flow.sent += bytes.length;
    this.#counters.bytesSent += bytes.length;
    this.#sends.push({ link: link.id, bytes });
  }

  close(link: Link, reason: string): void {
    if (link.closing) return;
    link.closing = true;
    this.#closes.push({ link: link.id, reason });
  }

  /** Whether this turn ends links. */
  get hasClosed(): boolean {
    return this.#closes.length > 0;
  }

  dial(url: string): void {
    this.#dials.push(url);
  }

  reply(request: number, outcome: Reply['outcome']): void {
    this.#replies.push({ request, outcome });
  }

  note(level: Note['level'], event: string, message: string, fields?: Note['fields']): void {
    this.#notes.push({ level, event, message, ...(fields ? { fields } : {}) });
  }

  finish(wakeAt: number, addresses: readonly AddressRecord[] | undefined): Step {
    return {
      persist: this.#batch(addresses),
      sends: this.#sends,
      closes: this.#closes,
      dials: this.#dials,
      replies: this.#replies,
      changes: this.#changes,
      notes: this.#notes,
      flushMark: this.#flushMark,
      wakeAt,
    };
  }

  #batch(addresses: readonly AddressRecord[] | undefined): Batch | undefined {
    const changed = [this.#puts, this.#vectors, this.#floors, this.#totals, this.#members];
    const damages = this.#damage?.rows() ?? [];
    const sums = this.#damage?.sums ?? [];
    const isIdle = changed.every((part) => part === undefined) && damages.length === 0 && sums.length === 0;
    const hasMore = this.#clock !== undefined || this.#origin !== undefined || addresses !== undefined;
    if (isIdle && !hasMore) return undefined;
    const members = [...(this.#members ?? [])];
    const forgotten = members.flatMap(([peer, record]) => (record ? [] : [peer]));
    return {
      puts: [...(this.#puts?.values() ?? [])].flatMap((puts) => [...puts.values()]),
      vectors: rowsOf(this.#vectors, (bucket) => bucket.vector),
      floors: rowsOf(this.#floors, (bucket) => bucket.floor),
      totals: [...(this.#totals ?? [])].map(totalsOf),
      damages,
      members: members.flatMap(([, record]) => record ?? []),
      ...(forgotten.length > 0 ? { forgotten } : {}),
      ...(sums.length === 0 ? {} : { sums }),
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
      ...(this.#origin === undefined ? {} : { origin: this.#origin }),
      ...(addresses ? { addresses } : {}),
    };
  }
}

const deadIn = (cell: Cell): number => cell.filter((entry) => !isLive(entry)).length;

function count(bucket: Bucket, entry: Entry, by: 1 | -1): void {
  if (!isLive(entry)) bucket.tombstones += by;
  else if (by > 0) bucket.fingerprint.add(entry.digest);
  else bucket.fingerprint.remove(entry.digest);
}

function noteOrigin(changed: Map<Bucket, Set<OriginId>>, bucket: Bucket, origin: OriginId): void {
  let origins = changed.get(bucket);
  if (!origins) changed.set(bucket, (origins = new Set()));
  origins.add(origin);
}

const rowsOf = (
  changed: ReadonlyMap<Bucket, ReadonlySet<OriginId>> | undefined,
  vectorOf: (bucket: Bucket) => VersionVector,
): VectorRow[] =>
  [...(changed ?? [])].flatMap(([bucket, origins]) =>
    [...origins].map((origin) => ({
      bucket: bucket.name,
      origin,
      intervals: vectorOf(bucket).get(origin),
    })),
  );

const totalsOf = (bucket: Bucket): Totals => ({
  bucket: bucket.name,
  keys: bucket.keys,
  tombstones: bucket.tombstones,
  droppedUpTo: bucket.droppedUpTo,
  hash: bucket.fingerprint.toBytes(),
});
