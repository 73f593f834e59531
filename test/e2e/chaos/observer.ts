import type { Field } from './field.js';

const SAMPLE_MS = 1000;
const SUMMED = [
  'writes',
  'reconciliations',
  'shed',
  'repaired',
  'divergences',
  'tombstonesDropped',
  'lateWrites',
  'rowsDamaged',
] as const;
type Counter = (typeof SUMMED)[number];

interface Sample {
  /** Milliseconds since the observation began. */
  readonly at: number;
  /** Of the peer that uses most, bytes. */
  readonly memory: number;
}

/** Watches memory and counters of all peers, over the lives of their processes. */
export class Observer {
  readonly samples: Sample[] = [];
  readonly #field: Field;
  #startedAt = performance.now();
  /** The last counters of each process. */
  readonly #counters = new Map<number, Record<string, number>>();
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(field: Field) {
    this.#field = field;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => void (this.#reading = this.look()), SAMPLE_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  async look(): Promise<void> {
    const { awake } = this.#field;
    this.samples.push({
      at: this.elapsedMs,
      memory: Math.max(0, ...awake.map((place) => this.#field.memoryOf(place))),
    });
    await Promise.all(
      awake.map(async (place) => {
        const { pid } = place.peer;
        try {
          const { counters } = await this.#field.status(place);
          if (pid !== undefined && pid === place.peer.pid) this.#counters.set(pid, counters);
        } catch {
          // A fault got in between: the next look tells.
        }
      }),
    );
  }

  sum(counter: Counter): number {
    let sum = 0;
    for (const counters of this.#counters.values()) sum += counters[counter] ?? 0;
    return sum;
  }

  get counters(): [Counter, number][] {
    return SUMMED.map((counter) => [counter, this.sum(counter)]);
  }

  /** The most that any peer used between two moments, parts of the time since the beginning. */
  peak(from: number, to: number): number {
    const all = this.elapsedMs;
    const within = this.samples.filter(({ at }) => at >= from * all && at <= to * all);
    return Math.max(0, ...within.map(({ memory }) => memory));
  }
}
