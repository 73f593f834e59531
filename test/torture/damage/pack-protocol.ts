/** What a pack is told, one message each; it answers each with one. */
export type PackOrder =
  | {
      readonly do: 'open';
      readonly directories: readonly string[];
      readonly cluster: string;
      readonly storage: string;
    }
  /** Writes the data of a template, and gives what each peer then shows. */
  | { readonly do: 'fill' }
  /** Waits until all peers have been whole and the same `forMs` long, for `ms` at most. */
  | { readonly do: 'settle'; readonly ms: number; readonly forMs: number }
  | { readonly do: 'read'; readonly keys: readonly BucketKey[] }
  | { readonly do: 'close' };

export type BucketKey = readonly [bucket: string, key: string];

/** The code of the error with which each peer did not open; empty of one that did. */
export type Opened = readonly string[];

/** What one peer shows. */
export interface Shown {
  /** In the order of the keys that were asked for: JSON text, `null` where nothing stands, or the code of an error. */
  readonly values: readonly Answer[];
  /** Keys that nobody asked for. */
  readonly others: readonly string[];
  /** Whether it says of itself that something is wrong with its rows or its disk. */
  readonly isDamaged: boolean;
  readonly isReadOnly: boolean;
}

export type Answer = { readonly text: string | null } | { readonly code: string };

/** The policies of what templates hold. */
export const PACK_BUCKETS = {
  default: { policy: 'lww' },
  sums: { policy: 'counter' },
  tags: { policy: 'set' },
  carts: { policy: 'siblings' },
} as const;
