import type { OriginId } from '../../base/ids.js';
import { isLive, standing } from '../../data/cell.js';
import { roughSize } from '../../protocol/codec.js';
import type { Compare, ListedEntry, RangeBlock } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import type { Turn } from '../turn.js';
import { RANGE_SHIFTS } from '../../protocol/ranges.js';
import type { RangeLevel, View } from '../view.js';
import { BLOCKS_ASKED, ENTRIES_LISTED, LISTED_BYTES } from './bounds.js';
import { inquiryAbout } from './inquiry.js';
import { shortHash, SUM_OF_NOTHING } from './rivals.js';

type SummedBlock = Compare['blocks'][number];

/** A block that differs; of one of the finest level the seqs `from` to `to` are still to be listed. */
interface Span {
  readonly origin: OriginId;
  readonly level: RangeLevel;
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

export type Question =
  | { readonly kind: 'compare'; readonly blocks: readonly SummedBlock[] }
  | { readonly kind: 'listing'; readonly items: readonly ListedEntry[]; readonly spans: readonly Span[] };

const COARSEST: RangeLevel = 2;
const LAST_INDEX = 2 ** (53 - RANGE_SHIFTS[COARSEST]) - 1;
const FAN_OUT = 64;
/**
 * Coarsest blocks without live entries that a thorough walk asks about: 2^30 dots that were deleted or overwritten. One
 * lie about an origin would else be a walk of years.
 */
const MOST_EMPTY = 2 ** 14;

/**
 * The way through a bucket's blocks of dots, question by question: those of the coarsest level first, then depth first
 * through what differs, so that little is remembered. Only live entries count; every question is read afresh.
 *
 * To find out what is to go here, it is enough to ask about what stands here. A thorough walk also finds what stands on
 * the other side only: it goes through blocks without live entries, and asks about each dot that is covered.
 */
export class Walk {
  readonly #view: View;
  readonly #bucket: Bucket;
  readonly #isThorough: boolean;
  /** Blocks that differ and were not looked into yet: the next one last. */
  readonly #stack: Span[] = [];
  /** The origins whose coarsest blocks are still to be compared, the next one last, and from which block on. */
  readonly #origins: OriginId[];
  #fromIndex = 0;
  /** Coarsest blocks without live entries that may still be asked about. */
  #emptyLeft = MOST_EMPTY;
  /** Entries of the next listing. */
  #mostListed = ENTRIES_LISTED;

  constructor(view: View, bucket: Bucket, isThorough: boolean) {
    this.#view = view;
    this.#bucket = bucket;
    this.#isThorough = isThorough;
    this.#origins = [...bucket.vector.entries()].map(([origin]) => origin).sort((a, b) => (a < b ? 1 : -1));
  }

  /**
   * The next question, `undefined` when there is none. Damaged rows that are met on the way are marked in the bucket.
   * The store must show all that the turn knows.
   */
  next(turn: Turn): Question | undefined {
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      if (top.level === 0) {
        const listing = this.#list(turn);
        if (listing.items.length > 0) return listing;
      } else {
        const blocks = this.#open(top.level);
        if (blocks.length > 0) return { kind: 'compare', blocks };
      }
    }
    const blocks = this.#coarsest();
    return blocks.length > 0 ? { kind: 'compare', blocks } : undefined;
  }

  /** These blocks of a question differ. */
  differ(blocks: readonly RangeBlock[]): void {
    this.#push(blocks.map(spanOf));
  }

  /**
   * The entries of a listing from the place `judged` on have not been answered. Each listing costs what it holds: whoever
   * answers few of them is asked about few.
   */
  listAgain({ items, spans }: Extract<Question, { kind: 'listing' }>, judged: number): void {
    const first = items[judged];
    this.#mostListed = Math.min(ENTRIES_LISTED, 2 * (first ? judged : this.#mostListed));
    if (!first) return;
    const at = spans.findIndex(
      ({ origin, from, to }) => origin === first.origin && from <= first.seq && first.seq <= to,
    );
    this.#push(spans.slice(at).map((span, i) => (i === 0 ? { ...span, from: first.seq } : span)));
  }

  #push(spans: readonly Span[]): void {
    this.#stack.push(...spans.toReversed());
  }

  /** Blocks of the coarsest level, origin by origin. */
  #coarsest(): SummedBlock[] {
    const blocks: SummedBlock[] = [];
    for (let origin = this.#origins.at(-1); origin !== undefined; origin = this.#origins.at(-1)) {
      for (const block of this.#blocks(origin, COARSEST, this.#fromIndex, LAST_INDEX)) {
        if (blocks.length === BLOCKS_ASKED) return blocks;
        blocks.push(block);
        this.#fromIndex = block.index + 1;
      }
      this.#origins.pop();
      this.#fromIndex = 0;
    }
    return blocks;
  }

  /** The blocks within the next ones of this level. */
  #open(level: RangeLevel): SummedBlock[] {
    const blocks: SummedBlock[] = [];
    for (let top = this.#stack.at(-1); top?.level === level; top = this.#stack.at(-1)) {
      if (blocks.length + FAN_OUT > BLOCKS_ASKED) break;
      this.#stack.pop();
      const { origin, index } = top;
      const below = (level - 1) as RangeLevel;
      const from = index * FAN_OUT;
      blocks.push(...this.#blocks(origin, below, from, from + FAN_OUT - 1));
    }
    return blocks;
  }

  *#blocks(
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<SummedBlock, undefined, undefined> {
    let next = from;
    for (const { index, sum } of this.#view.ranges(this.#bucket.name, origin, level, from, to)) {
      if (this.#isThorough) yield* this.#emptyBlocks(origin, level, next, index - 1);
      yield { origin, level, index, sum: shortHash(sum) };
      next = index + 1;
    }
    if (this.#isThorough) yield* this.#emptyBlocks(origin, level, next, to);
    return undefined;
  }

  /** Of blocks that all have no live entries: those with dots that are covered. */
  *#emptyBlocks(
    origin: OriginId,
    level: RangeLevel,
    from: number,
    to: number,
  ): Generator<SummedBlock, undefined, undefined> {
    const size = 2 ** RANGE_SHIFTS[level];
    const covered = this.#bucket.vector.get(origin);
    let next = from;
    for (let i = 0; i < covered.length && next <= to; i += 2) {
      const first = Math.floor((covered[i] as number) / size);
      const last = Math.min(to, Math.floor((covered[i + 1] as number) / size));
      for (next = Math.max(next, first); next <= last; next++) {
        if (level === COARSEST && --this.#emptyLeft < 0) return undefined;
        yield { origin, level, index: next, sum: SUM_OF_NOTHING };
      }
    }
    return undefined;
  }

  /** The live entries of the next blocks of the finest level, and inquiries about the other dots. */
  #list(turn: Turn): Extract<Question, { kind: 'listing' }> {
    const items: ListedEntry[] = [];
    const spans: Span[] = [];
    let bytes = 0;
    for (let top = this.#stack.at(-1); top?.level === 0; top = this.#stack.at(-1)) {
      if (items.length >= this.#mostListed || bytes >= LISTED_BYTES) break;
      const { origin } = top;
      this.#stack.pop();
      let next = top.from;
      for (const { seq, key } of [...this.#view.dots(this.#bucket.name, origin, next, top.to, 'rising')]) {
        if (items.length >= this.#mostListed || bytes >= LISTED_BYTES) {
          this.#stack.push({ ...top, from: next });
          return { kind: 'listing', items, spans: [...spans, { ...top, to: next - 1 }] };
        }
        const cell = turn.get(this.#bucket, key);
        const entry = standing(cell, { origin, seq });
        if (!entry) turn.distrust(this.#bucket, key, { origin, seq });
        const isListed = entry !== undefined && isLive(entry);
        items.push(...this.#inquiries(origin, next, isListed ? seq - 1 : seq));
        if (isListed) items.push(listed(origin, entry));
        for (const one of cell) bytes += roughSize(one);
        next = seq + 1;
      }
      items.push(...this.#inquiries(origin, next, top.to));
      spans.push(top);
    }
    return { kind: 'listing', items, spans };
  }

  /** About the dots that are covered, of those that have no live entry here. */
  #inquiries(origin: OriginId, from: number, to: number): ListedEntry[] {
    const inquiries: ListedEntry[] = [];
    for (let seq = from; this.#isThorough && seq <= to; seq++)
      if (this.#bucket.vector.covers({ origin, seq })) inquiries.push(inquiryAbout(origin, seq));
    return inquiries;
  }
}

function spanOf({ origin, level, index }: RangeBlock): Span {
  const size = 2 ** RANGE_SHIFTS[level as RangeLevel];
  return { origin, level: level as RangeLevel, index, from: index * size, to: (index + 1) * size - 1 };
}

const listed = (origin: OriginId, { seq, stamp, key, digest }: Omit<ListedEntry, 'origin'>): ListedEntry => ({
  origin,
  seq,
  stamp,
  key,
  digest: shortHash(digest),
});
