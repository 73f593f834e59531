import type { Provenance } from '../../../src/storage/storage.js';
import { AskedProcess, Died } from './asked-process.js';
import { compiled } from './places.js';

export interface ReadOrder {
  readonly storage: string;
  readonly directory: string;
  /** Whether what is there is also compared with itself, as `verify --store` does; `only`: it is not opened at all. */
  readonly isChecked: boolean | 'only';
}

export interface StoredRow {
  readonly bucket: string;
  readonly key: string;
  readonly dot: string;
  /** The JSON text; `null` of a delete. */
  readonly text: string | null;
}

/** What a store holds, or why that is not known. */
export interface StoreReading {
  readonly provenance?: Provenance;
  readonly rows?: readonly StoredRow[];
  /** By bucket: each origin with its intervals, as pairs of first and last number. */
  readonly vectors?: Readonly<Record<string, readonly (readonly [string, readonly number[]])[]>>;
  readonly problems?: readonly string[];
  readonly refused?: { readonly code: string; readonly message: string };
  /** The signal or exit code by which the process ended that tried, or `hang`. */
  readonly died?: string;
}

/** A store that is not read after so long hangs, milliseconds. */
const PATIENCE_MS = 20_000;

/** Reads stores in a process of its own, a new one whenever a store has brought it down. */
export class StoreReader {
  readonly #process: AskedProcess;

  /** @param options of Node for that process */
  constructor(options: readonly string[] = []) {
    this.#process = new AskedProcess(compiled('tools/reader-main.js'), PATIENCE_MS, options);
  }

  /** One at a time. */
  async read(order: ReadOrder): Promise<StoreReading> {
    try {
      return await this.#process.ask<StoreReading>(order);
    } catch (error) {
      if (error instanceof Died) return { died: error.how };
      throw error;
    }
  }

  end(): void {
    this.#process.end();
  }
}

/** Whether an acknowledged write, `origin.number`, is among what a store says that it has. */
export function covers(reading: StoreReading, bucket: string, dot: string): boolean {
  const at = dot.lastIndexOf('.');
  const [origin, number] = [dot.slice(0, at), Number(dot.slice(at + 1))];
  const [, set] = reading.vectors?.[bucket]?.find(([name]) => name === origin) ?? [];
  for (let i = 0; set && i < set.length; i += 2)
    if ((set[i] ?? 0) <= number && number <= (set[i + 1] ?? 0)) return true;
  return false;
}
