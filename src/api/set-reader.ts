import { utf8 } from '../base/bytes.js';
import { RumeurError } from '../base/errors.js';
import { type Cell, isLive } from '../data/cell.js';
import { compareEntries, type Entry } from '../data/entry.js';
import { memberKey, splitMemberKey } from '../data/policies/set.js';
import type { Bucket } from '../replica/bucket.js';
import type { KeyRange } from '../replica/view.js';
import { PageBuilder } from './page.js';
import { rowOf } from './rows.js';
import type { MemberRange, Page, Row, ScanRange } from './service.js';
import { CELLS_A_TURN } from './slow-reads.js';

/** The members of a set that are shown as one value, or on one page: bytes of their JSON text. */
const MAX_SET_BYTES = 8 * 2 ** 20;
/** Stands between key and member in the store's keys; no key of a bucket of sets holds it. */
const NUL = '\u0000';
/** Above everything that begins with a key and NUL, and below everything else that begins with the key. */
const PAST_MEMBERS = '\u0001';
const NO_VALUE = new Uint8Array(0);

/** The cells of a range with their keys, dead ones too; of damaged ones nothing. */
type Cells = (bucket: Bucket, range: KeyRange) => Iterable<{ readonly key: string; readonly cell: Cell }>;

/** A read that yields where it may be held, so that other work gets its turn. */
export type InTurns<T> = Generator<undefined, T, undefined>;

/** Reads buckets of sets, in which each member is a cell of its own. */
export class SetReader {
  readonly #cells: Cells;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /** The cells of a set's members, dead ones too. */
  *memberCells(bucket: Bucket, key: string, after?: string): Generator<{ member: string; cell: Cell }> {
    if (key.includes(NUL)) return;
    const range = { prefix: key + NUL, ...(after === undefined ? {} : { after: memberKey(key, after) }) };
    for (const { key: stored, cell } of this.#cells(bucket, range))
      yield { member: splitMemberKey(stored).member, cell };
  }

  members(bucket: Bucket, key: string, { after, limit }: MemberRange): Page<string> {
    const page = new PageBuilder<string>(limit, MAX_SET_BYTES);
    for (const { member, cell } of this.memberCells(bucket, key, after)) {
      const goesOn = cell.some(isLive) ? page.add(member, member, member.length) : page.pass(member);
      if (!goesOn) return page.part;
    }
    return page.last;
  }

  /**
   * The sets that have members, as rows without values. Where a page ends among the removed members of a set, it goes on
   * after the store's key of the last one: the set may yet have others.
   */
  keys(bucket: Bucket, { prefix, after, limit, maxBytes = Infinity }: ScanRange): Page<Row> {
    const page = new PageBuilder<Row>(limit, maxBytes);
    if (prefix?.includes(NUL) === true) return page.last;
    for (let range = pastSet(prefix, after); ;) {
      let first: Entry | undefined;
      for (const { key, cell } of this.#cells(bucket, range)) {
        first = cell.find(isLive);
        if (first) break;
        if (!page.pass(key)) return page.part;
      }
      if (!first) return page.last;
      const { key } = splitMemberKey(first.key);
      if (!page.add(rowOf(key, NO_VALUE, first), key, key.length)) return page.part;
      range = pastSet(prefix, key);
    }
  }

  /** The same with values, each the array of all members. */
  *entries(bucket: Bucket, range: ScanRange): InTurns<Page<Row>> {
    const { rows, after } = this.keys(bucket, range);
    const page = new PageBuilder<Row>(range.limit, range.maxBytes ?? Infinity);
    const pace = new Pace();
    for (const { key } of rows) {
      const row = yield* this.#row(bucket, key, pace);
      if (row && !page.add(row, key, key.length + row.value.length)) return page.part;
    }
    return after === undefined ? page.last : { ...page.last, after };
  }

  /** `undefined` for a set without members. @throws `VALUE_TOO_LARGE` */
  *value(bucket: Bucket, key: string): InTurns<Uint8Array | undefined> {
    return (yield* this.#row(bucket, key, new Pace()))?.value;
  }

  *#row(bucket: Bucket, key: string, pace: Pace): InTurns<Row | undefined> {
    const set = new SetRow(key);
    let after: string | undefined;
    do {
      if (pace.isSpent) {
        yield;
        pace.rest();
      }
      after = this.#gather(bucket, set, after, pace);
    } while (after !== undefined);
    return set.row;
  }

  /** Adds members as far as the pace allows; returns the one to go on after, `undefined` at the end. */
  #gather(bucket: Bucket, set: SetRow, after: string | undefined, pace: Pace): string | undefined {
    let last = after;
    for (const { member, cell } of this.memberCells(bucket, set.key, after)) {
      if (pace.isSpent) return last;
      pace.step();
      const entry = cell.findLast(isLive);
      if (entry) set.add(member, entry);
      last = member;
    }
    return undefined;
  }
}

/** How many cells may still be looked at in this turn of the event loop. */
class Pace {
  #left = CELLS_A_TURN;

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  step(): void {
    this.#left--;
  }

  rest(): void {
    this.#left = CELLS_A_TURN;
  }
}

/** The range above all members of the set `after`; with a member of it, above that one. */
function pastSet(prefix: string | undefined, after: string | undefined): KeyRange {
  const past = after === undefined ? {} : { after: after.includes(NUL) ? after : after + PAST_MEMBERS };
  return prefix === undefined ? past : { prefix, ...past };
}

/** A set as one value: the array of its members, in the order of their bytes. */
class SetRow {
  readonly key: string;
  readonly #members: string[] = [];
  #greatest: Entry | undefined;
  #bytes = 2;

  constructor(key: string) {
    this.key = key;
  }

  /** @throws `VALUE_TOO_LARGE` */
  add(member: string, entry: Entry): void {
    const text = JSON.stringify(member);
    this.#members.push(text);
    this.#bytes += text.length + 1;
    if (this.#bytes > MAX_SET_BYTES) {
      const message = `the set '${this.key}' has more than ${MAX_SET_BYTES} bytes of members`;
      throw new RumeurError('VALUE_TOO_LARGE', message, { hint: 'read it in pages with smembers' });
    }
    if (!this.#greatest || compareEntries(entry, this.#greatest) > 0) this.#greatest = entry;
  }

  /** `undefined` without members. */
  get row(): Row | undefined {
    return this.#greatest && rowOf(this.key, utf8(`[${this.#members.join(',')}]`), this.#greatest);
  }
}
