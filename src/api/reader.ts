import { utf8 } from '../base/bytes.js';
import { RumeurError } from '../base/errors.js';
import { type Cell, isLive } from '../data/cell.js';
import { dotToText } from '../data/dot.js';
import { compareEntries, type Entry, isSound } from '../data/entry.js';
import { contextOf } from '../data/policies/causal.js';
import { contextToText } from '../data/policies/context-text.js';
import { memberKey, splitMemberKey } from '../data/policies/set.js';
import { stampToText } from '../data/stamp.js';
import { type Bucket, isDamaged } from '../replica/bucket.js';
import type { KeyRange, View } from '../replica/view.js';
import { visibleOf } from './cells.js';
import type { MemberRange, Row, ScanRange, Siblings } from './service.js';

/** The members of a set that are shown as one value, bytes of their JSON text. */
const MAX_SET_BYTES = 8 * 2 ** 20;
/** Stands between key and member in the store's keys; no key of a bucket of sets holds it. */
const NUL = '\u0000';
/** Above everything that begins with a key and NUL, and below everything else that begins with the key. */
const PAST_MEMBERS = '\u0001';

/** Reads the store in the words of each bucket's policy. Rows that are damaged are reported and not shown. */
export class Reader {
  readonly #view: View;
  readonly #damaged: (bucket: Bucket, key: string) => void;

  constructor(view: View, damaged: (bucket: Bucket, key: string) => void) {
    this.#view = view;
    this.#damaged = damaged;
  }

  /** What stands under a key of the store. @throws `DISK_FAILED` when the row is damaged */
  cell(bucket: Bucket, key: string): Cell {
    if (isDamaged(bucket, key)) throw damagedError(key);
    const cell = this.#view.get(bucket.name, key);
    if (cell.every(isSound)) return cell;
    this.#damaged(bucket, key);
    throw damagedError(key);
  }

  read(bucket: Bucket, key: string): Uint8Array | undefined {
    if (bucket.policy.name !== 'set') return visibleOf(bucket.policy.name, this.cell(bucket, key))?.value;
    const set = new SetRow(key);
    for (const { entry, member } of this.#liveMembers(bucket, key)) set.add(member, entry);
    return set.isEmpty ? undefined : set.row.value;
  }

  siblings(bucket: Bucket, key: string): Siblings {
    if (bucket.policy.name !== 'siblings')
      throw needsPolicy(bucket, 'siblings', 'a plain get reads its keys');
    const cell = this.cell(bucket, key);
    const values = cell.flatMap((entry) => (entry.value ? [{ value: entry.value, ...namesOf(entry) }] : []));
    const context = cell.length === 0 ? undefined : contextToText(contextOf(cell, bucket.vector));
    return { values, context };
  }

  members(bucket: Bucket, key: string, { after, limit }: MemberRange): { members: string[]; more: boolean } {
    if (bucket.policy.name !== 'set') throw needsPolicy(bucket, 'set', 'a plain get reads its keys');
    const members: string[] = [];
    let bytes = 0;
    for (const { member } of this.#liveMembers(bucket, key, after)) {
      bytes += member.length;
      if (members.length >= limit || bytes > MAX_SET_BYTES) return { members, more: true };
      members.push(member);
    }
    return { members, more: false };
  }

  /** The cells of a set's members, dead ones too. */
  *memberCells(bucket: Bucket, key: string, after?: string): Generator<{ member: string; cell: Cell }> {
    if (key.includes(NUL)) return;
    const range = { prefix: key + NUL, ...(after === undefined ? {} : { after: memberKey(key, after) }) };
    for (const cell of this.#cells(bucket, range)) {
      const [first] = cell;
      if (first) yield { member: splitMemberKey(first.key).member, cell };
    }
  }

  *#liveMembers(bucket: Bucket, key: string, after?: string): Generator<{ member: string; entry: Entry }> {
    for (const { member, cell } of this.memberCells(bucket, key, after)) {
      const entry = cell.findLast(isLive);
      if (entry) yield { member, entry };
    }
  }

  /** Values count for `maxBytes` also where only keys are wanted: they are read all the same. */
  scan(bucket: Bucket, range: ScanRange): { rows: Row[]; more: boolean } {
    const { limit, maxBytes = Infinity, keysOnly = false } = range;
    const rows: Row[] = [];
    let bytes = 0;
    for (const row of this.#rows(bucket, range)) {
      bytes += row.key.length + row.value.length;
      if (rows.length >= limit || (rows.length > 0 && bytes > maxBytes)) return { rows, more: true };
      rows.push(keysOnly ? { ...row, value: NO_VALUE } : row);
    }
    return { rows, more: false };
  }

  *#rows(bucket: Bucket, { prefix, after, keysOnly = false }: ScanRange): Generator<Row> {
    const range = { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) };
    if (bucket.policy.name === 'set') {
      if (prefix?.includes(NUL) === true) return;
      yield* keysOnly ? this.#setKeys(bucket, range) : this.#sets(bucket, range);
      return;
    }
    for (const cell of this.#cells(bucket, range)) {
      const visible = visibleOf(bucket.policy.name, cell);
      if (visible) yield rowOf(visible.entry.key, visible.value, visible.entry);
    }
  }

  /** One row for each set: what belongs to one stands in a row. */
  *#sets(bucket: Bucket, { prefix, after }: KeyRange): Generator<Row> {
    let set: SetRow | undefined;
    for (const cell of this.#cells(bucket, pastSet(prefix, after))) {
      const entry = cell.findLast(isLive);
      if (!entry) continue;
      const { key, member } = splitMemberKey(entry.key);
      if (set && set.key !== key) {
        yield set.row;
        set = undefined;
      }
      set ??= new SetRow(key);
      set.add(member, entry);
    }
    if (set) yield set.row;
  }

  /** The first live member of each set, and on to the next set. */
  *#setKeys(bucket: Bucket, { prefix, after }: KeyRange): Generator<Row> {
    for (let last = after; ;) {
      const first = this.#firstLive(bucket, pastSet(prefix, last));
      if (!first) return;
      const { key } = splitMemberKey(first.key);
      yield rowOf(key, NO_VALUE, first);
      last = key;
    }
  }

  #firstLive(bucket: Bucket, range: KeyRange): Entry | undefined {
    for (const cell of this.#cells(bucket, range)) {
      const entry = cell.find(isLive);
      if (entry) return entry;
    }
    return undefined;
  }

  /** The sound cells of a range. */
  *#cells(bucket: Bucket, range: KeyRange): Generator<Cell> {
    for (const cell of this.#view.cells(bucket.name, range)) {
      if (cell.every(isSound)) yield cell;
      else if (cell[0]) this.#damaged(bucket, cell[0].key);
    }
  }
}

const NO_VALUE = new Uint8Array(0);

/** The range above all members of the set `after`; keys of sets hold no NUL, so that what follows one changes nothing. */
function pastSet(prefix: string | undefined, after: string | undefined): KeyRange {
  const past = after === undefined ? {} : { after: (after.split(NUL, 1)[0] ?? '') + PAST_MEMBERS };
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

  get isEmpty(): boolean {
    return this.#members.length === 0;
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

  get row(): Row {
    if (!this.#greatest) throw new Error('invariant broken: a set without members');
    return rowOf(this.key, utf8(`[${this.#members.join(',')}]`), this.#greatest);
  }
}

const rowOf = (key: string, value: Uint8Array, entry: Entry): Row => ({ key, value, ...namesOf(entry) });

export const namesOf = (entry: Pick<Entry, 'origin' | 'seq' | 'stamp'>): { dot: string; stamp: string } => ({
  dot: dotToText(entry),
  stamp: stampToText(entry.stamp),
});

/** The call is for buckets of another policy. */
export const needsPolicy = ({ name, policy }: Bucket, needed: string, instead: string): RumeurError =>
  new RumeurError('POLICY', `the bucket '${name}' has the policy "${policy.name}"`, {
    hint: `this needs a bucket with the policy "${needed}"; ${instead}`,
  });

const damagedError = (key: string): RumeurError =>
  new RumeurError('DISK_FAILED', `the row of '${key}' is damaged on this disk`, {
    hint: 'it is fetched from another peer: try again shortly, or ask another peer; look at the disk',
  });
