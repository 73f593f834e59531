import { RumeurError } from '../base/errors.js';
import { type Cell, EMPTY_CELL } from '../data/cell.js';
import { isSound } from '../data/entry.js';
import { contextOf } from '../data/policies/causal.js';
import { contextToText } from '../data/policies/context-text.js';
import { type Bucket, isDamaged } from '../replica/bucket.js';
import type { KeyRange, View } from '../replica/view.js';
import { visibleOf } from './cells.js';
import { PageBuilder } from './page.js';
import { namesOf, rowOf } from './rows.js';
import type { MemberRange, Page, Row, ScanRange, Siblings, Soon } from './service.js';
import { SetReader } from './set-reader.js';
import { SlowReads } from './slow-reads.js';

const NO_VALUE = new Uint8Array(0);

/** Reads the store in the words of each bucket's policy. Rows that are damaged are reported and not shown. */
export class Reader {
  readonly #view: View;
  readonly #damaged: (bucket: Bucket, key: string) => void;
  readonly #sets = new SetReader((bucket, range) => this.#cells(bucket, range));
  readonly #slow = new SlowReads();
  readonly #over: () => RumeurError | undefined;

  /** @param over why the view must not be read any more */
  constructor(
    view: View,
    damaged: (bucket: Bucket, key: string) => void,
    over: () => RumeurError | undefined = () => undefined,
  ) {
    this.#view = view;
    this.#damaged = damaged;
    this.#over = over;
  }

  /** What stands under a key of the store. @throws `DISK_FAILED` when the row is damaged */
  cell(bucket: Bucket, key: string): Cell {
    this.#check();
    if (isDamaged(bucket, key)) throw damagedError(key);
    const cell = this.#view.get(bucket.name, key);
    if (cell.every(isSound)) return cell;
    this.#damaged(bucket, key);
    throw damagedError(key);
  }

  read(bucket: Bucket, key: string): Soon<Uint8Array | undefined> {
    if (bucket.policy.name === 'set') return this.#slow.run(this.#sets.value(bucket, key));
    return visibleOf(bucket.policy.name, this.cell(bucket, key))?.value;
  }

  /** Of a bucket with the policy `siblings`. */
  siblings(bucket: Bucket, key: string): Siblings {
    const cell = this.cell(bucket, key);
    const values = cell.flatMap((entry) => (entry.value ? [{ value: entry.value, ...namesOf(entry) }] : []));
    const context = cell.length === 0 ? undefined : contextToText(contextOf(cell, bucket.vector));
    return { values, context };
  }

  /** Of a bucket with the policy `set`. */
  members(bucket: Bucket, key: string, range: MemberRange): Page<string> {
    return this.#sets.members(bucket, key, range);
  }

  /** The cells of a set's members, dead ones too. */
  memberCells(bucket: Bucket, key: string): Iterable<{ member: string; cell: Cell }> {
    return this.#sets.memberCells(bucket, key);
  }

  /** Values count for `maxBytes` also where only keys are wanted: they are read all the same. */
  scan(bucket: Bucket, range: ScanRange): Soon<Page<Row>> {
    if (bucket.policy.name !== 'set') return this.#values(bucket, range);
    return range.keysOnly === true
      ? this.#sets.keys(bucket, range)
      : this.#slow.run(this.#sets.entries(bucket, range));
  }

  #values(bucket: Bucket, range: ScanRange): Page<Row> {
    const { limit, maxBytes = Infinity, keysOnly = false } = range;
    const page = new PageBuilder<Row>(limit, maxBytes);
    for (const { key, cell } of this.#cells(bucket, range)) {
      const visible = visibleOf(bucket.policy.name, cell);
      if (!visible) {
        if (!page.pass(key)) return page.part;
        continue;
      }
      const { value, entry } = visible;
      const row = rowOf(key, keysOnly ? NO_VALUE : value, entry);
      if (!page.add(row, key, key.length + value.length)) return page.part;
    }
    return page.last;
  }

  /** The cells of a range with their keys; a damaged one shows nothing. */
  *#cells(bucket: Bucket, { prefix, after }: KeyRange): Generator<{ key: string; cell: Cell }> {
    this.#check();
    const range = { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) };
    for (const cell of this.#view.cells(bucket.name, range)) {
      const [first] = cell;
      if (!first) continue;
      const isWhole = cell.every(isSound);
      if (!isWhole) this.#damaged(bucket, first.key);
      yield { key: first.key, cell: isWhole ? cell : EMPTY_CELL };
    }
  }

  /** Before each turn in which the store is read: it may have been closed since the last one. */
  #check(): void {
    const error = this.#over();
    if (error) throw error;
  }
}

const damagedError = (key: string): RumeurError =>
  new RumeurError('DISK_FAILED', `the row of '${key}' is damaged on this disk`, {
    hint: 'it is fetched from another peer: try again shortly, or ask another peer; look at the disk',
  });
