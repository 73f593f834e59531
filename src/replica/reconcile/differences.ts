import { equalBytes } from '../../base/bytes.js';
import { isLive, standing } from '../../data/cell.js';
import { isSameDot } from '../../data/dot.js';
import type { Entry } from '../../data/entry.js';
import type { VersionVector } from '../../data/version-vector.js';
import type { Answer, ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import type { Turn } from '../turn.js';
import { readAnswer } from './answer.js';
import { isInquiry } from './inquiry.js';
import { noteDifference, type Tally } from './report.js';
import { listedIn } from './rivals.js';

/** What a comparison that changes nothing is about. */
interface Compared {
  readonly bucket: Bucket;
  /** What the other side covered when the comparison began. */
  readonly theirs: VersionVector;
  readonly tally: Tally;
}

/** How a listed entry and the rivals that came against it fit together. */
type Relation = 'superseded' | 'content' | 'underWay';

/**
 * Notes what an answer shows to stand on one side only, and changes nothing. What a write explains that only one side
 * covers yet is no difference: that write is on its way.
 * @returns how many of the listed entries, from the first, were answered
 * @throws MalformedMessage when it is no answer to this listing
 */
export function noteDifferences(
  turn: Turn,
  compared: Compared,
  items: readonly ListedEntry[],
  answer: Answer,
): number {
  const { bucket, theirs, tally } = compared;
  const { rivals, gone, answered } = readAnswer(bucket, items, answer);
  const relations = new Map<ListedEntry, Relation>();
  for (const { entry, items: against } of rivals) {
    for (const item of against) {
      if (!isInquiry(item)) relations.set(item, relationOf(bucket, entry, item));
      else if (isSameDot(entry, item)) noteMissing(turn, compared, entry);
    }
  }
  const isSure = theirs.within(bucket.vector);
  for (const item of new Set([...relations.keys(), ...gone])) {
    if (isInquiry(item) || !theirs.covers(item)) continue;
    // It may have been replaced here since it was listed.
    if (!listedIn(turn.get(bucket, item.key), item)) continue;
    // Without a rival, a tombstone that we have not seen yet may have been dropped there.
    const relation = relations.get(item) ?? (isSure ? 'absent' : 'underWay');
    if (relation === 'underWay') tally.unsettled++;
    else noteDifference(tally, item, relation);
  }
  return answered;
}

function relationOf(bucket: Bucket, rival: Entry, item: ListedEntry): Relation {
  if (isSameDot(rival, item)) return 'content';
  return bucket.vector.covers(rival) ? 'superseded' : 'underWay';
}

/** An entry of the other side under a dot that has no live entry here, although it is covered. */
function noteMissing(turn: Turn, { bucket, theirs, tally }: Compared, entry: Entry): void {
  if (!isLive(entry)) return;
  const cell = turn.get(bucket, entry.key);
  const twin = standing(cell, entry);
  if (twin && equalBytes(twin.digest, entry.digest)) return;
  // What replaced it here may be news there, be it a tombstone that is gone already.
  const isNews = cell.length > 0 ? cell.some((own) => !theirs.covers(own)) : !bucket.vector.within(theirs);
  if (!twin && isNews) tally.unsettled++;
  else noteDifference(tally, entry, twin ? 'content' : 'missing');
}
