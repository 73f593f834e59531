import { assert } from '../base/assert.js';
import type { BucketName, OriginId, PeerId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import { Fingerprint } from '../data/fingerprint.js';
import type { Intervals } from '../data/intervals.js';
import { STAMP_ZERO } from '../data/stamp.js';
import type { Batch, StoredBucket, StoredState } from '../replica/batch.js';
import { LayeredView } from './layered-view.js';
import type { Provenance, Storage } from './storage.js';
import { Tables } from './tables.js';

export interface StoreIds {
  readonly peerId: PeerId;
  readonly origin: OriginId;
}

/** The state of a memory store at one moment; later commits do not change it. Opaque: open a store with it. */
export class MemorySnapshot {
  readonly ids: StoreIds;
  readonly #tables: Tables;

  constructor(ids: StoreIds, tables: Tables) {
    this.ids = ids;
    this.#tables = tables;
  }

  /** A copy for one store: a snapshot may be opened many times. */
  tables(): Tables {
    return this.#tables.clone();
  }
}

const NO_LAYERS: readonly Tables[] = [];

/**
 * A store that lives as long as its process. Deterministic: no timers, no randomness, and every promise it gives
 * is resolved already.
 */
export class MemoryStorage extends LayeredView implements Storage {
  readonly provenance: Provenance;
  readonly initial: StoredState;
  readonly backlog = 0;
  readonly #peerId: PeerId;
  readonly #tables: Tables;
  #closed = false;

  /** A store that remembers nothing, or with `restored` one that goes on from a snapshot under the given ids. */
  constructor(ids: StoreIds, restored?: { snapshot: MemorySnapshot; provenance: Provenance }) {
    const tables = restored?.snapshot.tables() ?? new Tables();
    super(tables, () => NO_LAYERS);
    this.provenance = restored?.provenance ?? 'new';
    this.#peerId = ids.peerId;
    this.#tables = tables;
    this.#tables.origin = ids.origin;
    this.initial = storedState(ids, this.#tables);
  }

  /** What is committed now, for a later restart of this store: as cheap as copying a vector. */
  snapshot(): MemorySnapshot {
    const origin = this.#tables.origin ?? this.initial.origin;
    return new MemorySnapshot({ peerId: this.#peerId, origin }, this.#tables.clone());
  }

  commit(batch: Batch): void {
    assert(!this.#closed, 'a closed store takes no batch');
    this.#tables.apply(batch, withOwnValues);
  }

  committed(): Promise<void> {
    return Promise.resolve();
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  /** Memory does not fail. */
  onFailure(): void {
    return undefined;
  }

  onDamage(): void {
    return undefined;
  }

  sizes(): undefined {
    return undefined;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

/** A value that is a part of a received frame would keep the whole frame in memory for as long as the entry stands. */
const withOwnValues = (cell: Cell): Cell => (cell.every(hasOwnValue) ? cell : cell.map(withOwnValue));

const hasOwnValue = ({ value }: Entry): boolean =>
  value === null || value.byteLength === value.buffer.byteLength;

const withOwnValue = (entry: Entry): Entry =>
  entry.value === null || hasOwnValue(entry) ? entry : { ...entry, value: new Uint8Array(entry.value) };

function storedState(ids: StoreIds, tables: Tables): StoredState {
  const buckets = new Map<BucketName, StoredBucket>();
  for (const [name, { vector, floor, totals, damages, isUnsettled }] of tables.buckets) {
    buckets.set(name, {
      vector: rowsOf(vector),
      floor: rowsOf(floor),
      damages: [...damages.values()].map(({ mark }) => mark).filter((mark) => mark !== undefined),
      isUnsettled: isUnsettled ?? false,
      keys: totals?.keys ?? 0,
      tombstones: totals?.tombstones ?? 0,
      droppedUpTo: totals?.droppedUpTo ?? STAMP_ZERO,
      hash: totals?.hash ?? Fingerprint.empty().toBytes(),
    });
  }
  return {
    ...ids,
    clock: tables.clock ?? STAMP_ZERO,
    buckets,
    addresses: tables.addresses ?? [],
    members: [...tables.members.values()].filter((record) => record !== undefined),
  };
}

const rowsOf = (vector: ReadonlyMap<OriginId, Intervals>): (readonly [OriginId, Intervals])[] =>
  [...vector].filter(([, intervals]) => intervals.length > 0);
