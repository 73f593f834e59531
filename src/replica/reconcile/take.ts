import { compareBytes, equalBytes } from '../../base/bytes.js';
import { isLive } from '../../data/cell.js';
import { type Dot, dotToText, isSameDot } from '../../data/dot.js';
import type { Entry } from '../../data/entry.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Answer, ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { floorFor, isFragmented } from '../compactness.js';
import type { Core } from '../core.js';
import { hasRoomFor } from '../origin-room.js';
import type { Turn } from '../turn.js';
import { readAnswer } from './answer.js';
import { noteDifference, type Tally } from './report.js';
import { listedIn, mayBeBuried } from './rivals.js';

/** What the answers to the listings of one pass are taken into. */
export interface Taking {
  readonly bucket: Bucket;
  /** What the other side covered, and had dropped tombstones of, when the pass began. */
  readonly start: { readonly vector: VersionVector; readonly floor: VersionVector };
  /** What is covered here by what the pass itself brought, beside what was covered when it began. */
  readonly known: VersionVector;
  readonly tally: Tally;
  /** A tombstone within the other side's floor could not be taken. */
  deferred: boolean;
  /** People were told of a dot that was used twice. */
  twinsTold: boolean;
}

/**
 * Takes the answer to a listing: what it brings comes to stand, and what it says is to go goes, if it still stands as it was
 * listed.
 * @returns how many of the listed entries, from the first, were answered
 * @throws MalformedMessage when it is no answer to this listing
 */
export function takeAnswer(
  core: Core,
  turn: Turn,
  taking: Taking,
  items: readonly ListedEntry[],
  answer: Answer,
): number {
  const { rivals, gone, answered } = readAnswer(taking.bucket, items, answer);
  const rivalled = new Set<ListedEntry>();
  const waiting = new Set<ListedEntry>();
  for (const { entry, items: against } of rivals) {
    const hasCome = takeRival(core, turn, taking, entry, against);
    for (const item of against) {
      rivalled.add(item);
      if (!hasCome) waiting.add(item);
      if (isSameDot(entry, item)) noteDifference(taking.tally, item, 'content');
    }
  }
  const dropped: Dot[] = [];
  for (const item of gone) {
    // What the other side came to cover later is nothing that its floor speaks of.
    if (!taking.start.vector.covers(item)) continue;
    noteDifference(taking.tally, item, rivalled.has(item) ? 'superseded' : 'absent');
    if (!waiting.has(item) && drop(turn, taking, item)) dropped.push(item);
  }
  // The other side's floor comes when the session is over: until then nobody must learn from us to cover what is missing.
  const { floor, vector } = taking.bucket;
  turn.raiseFloor(taking.bucket, floorFor(floor, VersionVector.ofDots(dropped), vector));
  return answered;
}

/** @returns whether it was taken, be it that it came to stand or not */
function takeRival(
  core: Core,
  turn: Turn,
  taking: Taking,
  entry: Entry,
  against: readonly ListedEntry[],
): boolean {
  const { bucket, tally } = taking;
  if (mustWait(core, turn, bucket, entry)) {
    tally.deferred++;
    // With that floor, nobody would tell us of the tombstone any more once it is dropped.
    if (!isLive(entry) && taking.start.floor.covers(entry)) taking.deferred = true;
    return false;
  }
  const own = against
    .map((item) => listedIn(turn.get(bucket, item.key), item))
    .filter((rival) => rival !== undefined);
  const namesake = own.find((rival) => isSameDot(rival, entry));
  const twin = namesake && equalBytes(namesake.digest, entry.digest) ? undefined : namesake;
  if (twin) takeTwin(turn, taking, entry, twin);
  else {
    if (!mayBeBuried(bucket, entry) && turn.apply(bucket, entry)) tally.repaired++;
    cover(core, turn, taking, entry);
  }
  return true;
}

/**
 * Not yet: from beyond the horizon (rule 8), of an origin that there is no room for, or live, and to come by a delta as well, while the vector is full of gaps.
 */
function mustWait(core: Core, turn: Turn, bucket: Bucket, entry: Entry): boolean {
  if (core.clock.isBeyond(entry.stamp, turn.wall) || !hasRoomFor(bucket.vector, entry.origin)) return true;
  if (bucket.vector.covers(entry) || !isLive(entry)) return false;
  return isFragmented(bucket.vector);
}

/** One dot with two contents, perhaps under two keys: the greater content stands, as everywhere. */
function takeTwin(turn: Turn, taking: Taking, entry: Entry, twin: Entry): void {
  const { bucket, tally } = taking;
  if (!taking.twinsTold) {
    const dot = dotToText(entry);
    const message = `the dot ${dot} was used twice and has two contents; the greater one stands`;
    turn.note('error', 'dot-used-twice', message, { bucket: bucket.name, key: entry.key });
    taking.twinsTold = true;
  }
  if (compareBytes(entry.digest, twin.digest) <= 0) return;
  // First of all, as the store's index names a dot once.
  turn.remove(bucket, twin);
  if (turn.apply(bucket, entry)) tally.repaired++;
  else tally.dropped++;
}

function cover(core: Core, turn: Turn, { bucket, known }: Taking, { origin, seq, stamp }: Entry): void {
  known.add(origin, seq, seq);
  if (!bucket.vector.covers({ origin, seq })) turn.cover(bucket, origin, [seq, seq]);
  core.clock.observe(stamp);
  turn.setClock(core.clock.last);
}

/** @returns whether it stood as it was listed */
function drop(turn: Turn, { bucket, tally }: Taking, item: ListedEntry): boolean {
  const entry = listedIn(turn.get(bucket, item.key), item);
  if (!entry || !turn.remove(bucket, entry)) return false;
  tally.dropped++;
  return true;
}
