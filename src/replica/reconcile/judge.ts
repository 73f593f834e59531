import { equalBytes } from '../../base/bytes.js';
import { standing } from '../../data/cell.js';
import { type Dot, dotToText } from '../../data/dot.js';
import type { Entry } from '../../data/entry.js';
import { roughSize } from '../../protocol/codec.js';
import type { ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import type { Turn } from '../turn.js';
import type { DotRow, View } from '../view.js';
import { ANSWER_BYTES, JUDGED_BYTES } from './bounds.js';
import { CellReader } from './cell-reader.js';
import { listedIn, mayBeBuried, replacesLive, shortHash, supersedes } from './rivals.js';

/** What an answer says, and what it cost to find out. */
export interface Judgement {
  /** Places in the listing. */
  readonly drop: readonly number[];
  readonly entries: readonly Entry[];
  /** How many of the listed entries, from the first, this is about; at least one. */
  readonly answered: number;
  /** As `CellReader.bytes`. */
  readonly bytes: number;
}

/**
 * What we have to say of another peer's listing, all of one turn, in which nothing was written yet (rule 13). Of as much
 * of it as may be read and sent in one turn: the rest is to be listed again.
 */
export function judge(view: View, turn: Turn, bucket: Bucket, items: readonly ListedEntry[]): Judgement {
  const cells = new CellReader(view, turn, bucket);
  const drop: number[] = [];
  const entries = new Map<string, Entry>();
  const listed = new Map(items.map((item) => [dotToText(item), item]));
  let sent = 0;
  let answered = 0;
  for (const [place, item] of items.entries()) {
    answered = place + 1;
    const { isGone, rivals } = verdictOn(view, cells, bucket, item);
    if (isGone) drop.push(place);
    for (const rival of rivals) {
      const dot = dotToText(rival);
      if (entries.has(dot) || isAsListed(rival, listed.get(dot))) continue;
      entries.set(dot, rival);
      sent += roughSize(rival);
      // In the midst of a large cell, too: the rest of it comes by a delta.
      if (sent >= ANSWER_BYTES) break;
    }
    const isEnough = sent >= ANSWER_BYTES || cells.bytes >= JUDGED_BYTES;
    // Who has come across a damaged row has no say.
    if (isEnough || bucket.damages.size > 0) break;
  }
  return { drop, entries: [...entries.values()], answered, bytes: cells.bytes };
}

interface Verdict {
  /** We cover it, and hold neither it nor another content of its dot. */
  readonly isGone: boolean;
  /** What stands here against it. */
  readonly rivals: readonly Entry[];
}

const NOTHING_TO_SAY: Verdict = { isGone: false, rivals: [] };

function verdictOn(view: View, cells: CellReader, bucket: Bucket, item: ListedEntry): Verdict {
  if (listedIn(cells.get(item.key), item)) return NOTHING_TO_SAY;
  const cell = cells.checked(item.key);
  // News comes by a delta.
  if (!bucket.vector.covers(item)) return NOTHING_TO_SAY;
  const twin = standing(cell, item) ?? twinElsewhere(view, cells, bucket, item);
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
function twinElsewhere(view: View, cells: CellReader, bucket: Bucket, item: ListedEntry): Entry | undefined {
  const row = rowOf(view, bucket, item);
  if (!row) return undefined;
  const twin = standing(cells.checked(row.key), item);
  if (!twin) cells.distrust(row.key, item);
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
