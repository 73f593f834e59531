/** Something that a case found wrong. */
export interface Problem {
  /** What it is, as a stable word: `lost`, `hang`, `sync-retried`. */
  readonly kind: string;
  readonly text: string;
}

/** What became of one case. */
export interface CaseResult {
  readonly id: string;
  /** The row of the report that it counts in. */
  readonly group: string;
  /** In a word or two: `kept`, `refused`, `set aside`. */
  readonly outcome: string;
  readonly problems: readonly Problem[];
}

/** What every part works with. */
export interface Context {
  /** A folder of this run's own, removed afterwards. */
  readonly folder: string;
  readonly seed: number;
  /** The engine, as the config calls it. */
  readonly storage: string;
  /** Where what belongs to a problem is kept: images, traces, logs. */
  readonly keep: string;
}

/** A part that is ready to run. */
export interface OpenPart {
  /** All cases by name, in the order in which they are run: the same names for the same seed. */
  readonly cases: readonly string[];
  /** How many of them are run together at most: what is lost when a run is stopped. */
  readonly chunk: number;
  /** Runs these, in order, and gives each result as soon as it is known. */
  run(ids: readonly string[]): AsyncIterable<CaseResult>;
  close(): Promise<void>;
}

/** One kind of torture. */
export interface Part {
  readonly name: string;
  /** What it does, for `--help` and the report. */
  readonly about: string;
  /** Debian packages without which it cannot run. */
  readonly tools: readonly string[];
  /** How many cases when nobody says; a part whose cases are a list runs so many of them at most. */
  readonly count: number;
  /** How many chunks may run side by side. */
  readonly workers: number;
  open(context: Context, count: number): Promise<OpenPart>;
}

/** The cases of a part that draws them: `1` to `count`. */
export const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));
