import type { Cell } from '../../data/cell.js';
import type { Dot } from '../../data/dot.js';
import { roughSize } from '../../protocol/codec.js';
import type { Bucket } from '../bucket.js';
import type { Turn } from '../turn.js';
import type { View } from '../view.js';

/** What looking through a cell costs for each entry, in bytes read: the same one may be asked about again and again. */
const LOOK_BYTES = 256;

/** Reads the cells that one listing is about, each once, and counts what that takes. */
export class CellReader {
  readonly #view: View;
  readonly #turn: Turn;
  readonly #bucket: Bucket;
  readonly #stored = new Map<string, Cell>();
  readonly #checked = new Map<string, Cell>();
  #bytes = 0;

  constructor(view: View, turn: Turn, bucket: Bucket) {
    this.#view = view;
    this.#turn = turn;
    this.#bucket = bucket;
  }

  /** Rough bytes that were read and looked through. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is stored under a key; nobody has looked whether it is damaged. */
  get(key: string): Cell {
    let cell = this.#stored.get(key);
    if (!cell) {
      cell = this.#view.get(this.#bucket.name, key);
      this.#stored.set(key, cell);
      for (const entry of cell) this.#bytes += roughSize(entry);
    }
    this.#bytes += cell.length * LOOK_BYTES;
    return cell;
  }

  /** What is sound of it; damaged entries are taken out of the store. */
  checked(key: string): Cell {
    const known = this.#checked.get(key);
    if (known) return known;
    const cell = this.#turn.get(this.#bucket, key);
    this.#checked.set(key, cell);
    // It was read once more, and hashed.
    for (const entry of cell) this.#bytes += roughSize(entry);
    return cell;
  }

  /** The dot index names an entry that is not under its key: `missing`. */
  distrust(key: string, missing: Dot): void {
    this.#turn.distrust(this.#bucket, key, missing);
    this.#checked.delete(key);
  }
}
