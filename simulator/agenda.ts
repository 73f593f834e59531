import { Heap } from '../src/base/heap.js';

/** Something that is to happen. */
interface Event {
  /** Milliseconds of virtual time. */
  readonly at: number;
  /** Of two at the same time the one that was added first comes first. */
  readonly order: number;
  run(): void;
}

/**
 * What is to happen, in order of time. Most of it lies far off when it is added, and a world of a thousand peers has a
 * hundred thousand events ahead of it: they wait unsorted in lists of a millisecond each, and only those of the present one
 * are in a heap (a calendar queue: Brown, 1988).
 */
export class Agenda {
  /** Events of the lists that were opened. */
  readonly #present = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  readonly #later = new Map<number, Event[]>();
  /** The milliseconds of which there are lists. */
  readonly #millis = new Heap<number>((a, b) => a < b);
  /** The last millisecond whose list was opened. */
  #opened = -1;
  #order = 0;

  add(at: number, run: () => void): void {
    const event = { at, order: this.#order++, run };
    const milli = Math.floor(at);
    if (milli <= this.#opened) return this.#present.push(event);
    const list = this.#later.get(milli);
    if (list) list.push(event);
    else {
      this.#later.set(milli, [event]);
      this.#millis.push(milli);
    }
  }

  /** The next event, which is then gone, unless it lies after this time. */
  takeUntil(until: number): Event | undefined {
    if (this.#present.size === 0) this.#open();
    const next = this.#present.peek();
    return next && next.at <= until ? this.#present.pop() : undefined;
  }

  #open(): void {
    const milli = this.#millis.pop();
    if (milli === undefined) return;
    this.#opened = milli;
    for (const event of this.#later.get(milli) ?? []) this.#present.push(event);
    this.#later.delete(milli);
  }
}
