import type { OriginId } from '../../base/ids.js';
import type { EntryWithoutDigest } from '../../data/entry.js';
import type { Intervals } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import { checkOnce, differences, type Fields, packList, unpackList } from '../fields.js';
import { MAX_CONTEXT_INTERVALS, MAX_ELEMENTS, MAX_OPERATIONS } from '../limits.js';
import { MalformedMessage } from '../malformed.js';

/** The origins that a message names, each once; everything else in it refers to them by their place in this list. */
export class OriginList {
  readonly #places = new Map<OriginId, number>();

  constructor(first: Iterable<OriginId> = []) {
    for (const origin of first) this.place(origin);
  }

  get size(): number {
    return this.#places.size;
  }

  /** The place of an origin, which comes to the end of the list when it is new. */
  place(origin: OriginId): number {
    const known = this.#places.get(origin);
    if (known !== undefined) return known;
    this.#places.set(origin, this.#places.size);
    return this.#places.size - 1;
  }

  toList(): OriginId[] {
    return [...this.#places.keys()];
  }
}

export const readOrigins = (f: Fields): OriginId[] =>
  f.eachOnce(
    MAX_ELEMENTS,
    'an origin',
    (o) => o.id() as OriginId,
    (origin) => origin,
  );

export function originAt(origins: readonly OriginId[], place: number): OriginId {
  const origin = origins[place];
  if (origin === undefined) throw new MalformedMessage('an origin that is not in the list');
  return origin;
}

/** Rough bytes of an operation beside its key, value and context: seq, stamp and MessagePack headers. */
const OVERHEAD = 24;
/** Rough bytes of an origin in a context and of an interval there. */
const CONTEXT_ORIGIN = 8;
const CONTEXT_INTERVAL = 6;

/** About how many bytes an operation takes in a message, at most three times as many: to pack messages to a size. */
export function roughSize({ key, value, context }: EntryWithoutDigest): number {
  const bytes = OVERHEAD + key.length + (value?.length ?? 0);
  if (context === undefined) return bytes;
  return bytes + context.size * CONTEXT_ORIGIN + context.intervalCount() * CONTEXT_INTERVAL;
}

/** The fields of one operation but its origin. */
export const operationToFields = (op: EntryWithoutDigest, origins: OriginList): unknown[] => [
  op.seq,
  op.stamp,
  op.key,
  op.value,
  op.context === undefined ? null : placedVectorToList(op.context, origins),
];

/** A version vector of a message that lists its origins apart: `[place, intervals, place, intervals, ...]`. */
export const placedVectorToList = (vector: VersionVector, origins: OriginList): unknown[] =>
  [...vector.entries()].flatMap(([origin, set]) => [origins.place(origin), differences(set)]);

export function readOperation(f: Fields, origin: OriginId, origins: readonly OriginId[]): EntryWithoutDigest {
  const op = { origin, seq: f.seq(), stamp: f.stamp(), key: f.key(), value: f.value() };
  const context = f.orNull((fields) => readPlacedVector(fields.list(), origins, MAX_CONTEXT_INTERVALS));
  return context === null ? op : { ...op, context };
}

/** @param most how many intervals it may have */
export function readPlacedVector(f: Fields, origins: readonly OriginId[], most = Infinity): VersionVector {
  const rows = new Map<OriginId, Intervals>();
  let bounds = 0;
  while (f.more) {
    const origin = originAt(origins, f.uint());
    const set = f.intervals();
    bounds += set.length;
    if (set.length === 0 || rows.has(origin)) throw new MalformedMessage('not a version vector');
    if (bounds > 2 * most) throw new MalformedMessage('a context of too many intervals');
    rows.set(origin, set);
  }
  return new VersionVector(rows);
}

/** Entries of many origins, each as the place of its origin and the fields of an operation. */
export const entriesToList = (entries: readonly EntryWithoutDigest[], origins: OriginList): unknown[] =>
  entries.flatMap((entry) => [origins.place(entry.origin), ...operationToFields(entry, origins)]);

export const readEntries = (f: Fields, origins: readonly OriginId[]): EntryWithoutDigest[] =>
  f.each(MAX_OPERATIONS, (e) => readOperation(e, originAt(origins, e.uint()), origins));

/**
 * Packs operations of one origin, ascending by seq, for a push. The list of other origins that contexts name comes
 * first, where they name any.
 */
export function packOps(ops: readonly EntryWithoutDigest[]): Uint8Array {
  const origins = new OriginList(ops.slice(0, 1).map(({ origin }) => origin));
  const fields = ops.flatMap((op) => operationToFields(op, origins));
  return packList(origins.size > 1 ? [origins.toList().slice(1), ...fields] : fields);
}

/** @throws MalformedMessage also when seq or stamp do not strictly rise */
export function unpackOps(origin: OriginId, body: Uint8Array): EntryWithoutDigest[] {
  const fields = unpackList(body);
  const origins = [origin, ...(fields.isAtList ? readOrigins(fields) : [])];
  checkOnce(origins, 'an origin');
  const ops: EntryWithoutDigest[] = [];
  let last: EntryWithoutDigest | undefined;
  while (fields.more) {
    if (ops.length === MAX_OPERATIONS) throw new MalformedMessage('too many operations');
    const op = readOperation(fields, origin, origins);
    if (last !== undefined && (op.seq <= last.seq || op.stamp <= last.stamp)) {
      throw new MalformedMessage('operations out of order');
    }
    ops.push((last = op));
  }
  return ops;
}
