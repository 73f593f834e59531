import { equalBytes } from '../../base/bytes.js';
import { standing } from '../../data/cell.js';
import { type Dot, dotToText } from '../../data/dot.js';
import type { Entry } from '../../data/entry.js';
import type { ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import type { Turn } from '../turn.js';
import type { DotRow, View } from '../view.js';
import { ANSWER_WEIGHT, weightOf } from './bounds.js';
import { listedIn, mayBeBuried, replacesLive, shortHash, supersedes } from './rivals.js';

/** What an answer says, and what it weighed to find out. */
export interface Judgement {
  /** Places in the listing. */
  readonly drop: readonly number[];
  readonly entries: readonly Entry[];
  readonly weight: number;
}

/** What we have to say of another peer's listing, all of one turn, in which nothing was written yet (rule 13). */
export function judge(view: View, turn: Turn, bucket: Bucket, items: readonly ListedEntry[]): Judgement {
  const drop: number[] = [];
  const entries = new Map<string, Entry>();
  const listed = new Map(items.map((item) => [dotToText(item), item]));
  let sent = 0;
  let read = 0;
  for (const [place, item] of items.entries()) {
    const cell = view.get(bucket.name, item.key);
    for (const entry of cell) read += weightOf(entry);
    if (listedIn(cell, item)) continue;
    const { isGone, rivals } = verdictOn(view, turn, bucket, item);
    if (isGone) drop.push(place);
    for (const rival of rivals) {
      const dot = dotToText(rival);
      if (entries.has(dot) || isAsListed(rival, listed.get(dot))) continue;
      entries.set(dot, rival);
      sent += weightOf(rival);
      if (sent >= ANSWER_WEIGHT) return { drop, entries: [...entries.values()], weight: read };
    }
  }
  return { drop, entries: [...entries.values()], weight: read };
}

interface Verdict {
  /** We cover it, and hold neither it nor another content of its dot. */
  readonly isGone: boolean;
  /** What stands here against it. */
  readonly rivals: readonly Entry[];
}

const NOTHING_TO_SAY: Verdict = { isGone: false, rivals: [] };

/** Of a listed entry that does not stand here as it was listed. */
function verdictOn(view: View, turn: Turn, bucket: Bucket, item: ListedEntry): Verdict {
  const cell = turn.get(bucket, item.key);
  // News comes by a delta.
  if (!bucket.vector.covers(item)) return NOTHING_TO_SAY;
  const twin = standing(cell, item) ?? twinElsewhere(view, turn, bucket, item);
  if (twin) return { isGone: false, rivals: [twin] };
  const rivals = cell.filter((entry) => supersedes(bucket.policy, entry, item));
  // It is we who have missed it, and get it by listing what it replaces.
  const isMissed = !mayBeBuried(bucket, item) && replacesLive(bucket.policy, cell, item);
  if (rivals.length === 0 && isMissed) return NOTHING_TO_SAY;
  // Also with rivals: the policy may tell, with its context, that they leave it standing.
  return { isGone: true, rivals };
}

/** The asker has it: by itself it says that it stands beside what it might supersede. */
const isAsListed = (entry: Entry, item: ListedEntry | undefined): boolean =>
  item !== undefined && equalBytes(shortHash(entry.digest), item.digest);

/** The same dot under another key: it was used twice. Under the same one, a damaged row. */
function twinElsewhere(view: View, turn: Turn, bucket: Bucket, item: ListedEntry): Entry | undefined {
  const row = rowOf(view, bucket, item);
  if (!row) return undefined;
  const twin = standing(turn.get(bucket, row.key), item);
  if (!twin) turn.distrust(bucket, row.key);
  return twin;
}

function rowOf(
  view: View,
  bucket: Bucket,
  { origin, seq }: Pick<ListedEntry, 'origin'> & Dot,
): DotRow | undefined {
  for (const row of view.dots(bucket.name, origin, seq, seq, 'rising')) return row;
  return undefined;
}
