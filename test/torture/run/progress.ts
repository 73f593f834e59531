/** Lines are this far apart where nobody looks on, milliseconds. */
const PAUSE_MS = 10_000;

/** Tells how far a part is: on a terminal in one line that is written over, else a line every now and then. */
export class Progress {
  readonly #name: string;
  readonly #all: number;
  readonly #begin = performance.now();
  #done = 0;
  #failed = 0;
  #toldAt = 0;

  constructor(name: string, all: number) {
    this.#name = name;
    this.#all = all;
  }

  add(isFailed: boolean): void {
    this.#done++;
    if (isFailed) this.#failed++;
    this.#tell();
  }

  text(): string {
    const rate = this.#done / Math.max(0.001, (performance.now() - this.#begin) / 1000);
    const seconds = (this.#all - this.#done) / rate;
    const left = seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
    return `${this.#name}: ${this.#done} of ${this.#all}, ${rate.toFixed(1)}/s, ${left} left, ${this.#failed} with problems`;
  }

  #tell(): void {
    const { isTTY } = process.stderr;
    const now = performance.now();
    if (!isTTY && now - this.#toldAt < PAUSE_MS && this.#done < this.#all) return;
    this.#toldAt = now;
    process.stderr.write(isTTY ? `\r\u001b[K${this.text()}` : `${this.text()}\n`);
  }

  end(): void {
    if (process.stderr.isTTY && this.#done > 0) process.stderr.write('\n');
  }
}
