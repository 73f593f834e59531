/** On a terminal a line is rewritten so often, elsewhere one is written so often, milliseconds. */
const TERMINAL_MS = 200;
const ELSEWHERE_MS = 10_000;

/** Tells on stderr how far one run is, once it has taken a second. Runs do not let the event loop turn. */
export class Progress {
  readonly #what: string;
  readonly #begin = performance.now();
  #nextAt = this.#begin + 1000;
  #isShown = false;

  constructor(what: string) {
    this.#what = what;
  }

  tell(share: number): void {
    const now = performance.now();
    if (now < this.#nextAt) return;
    const { isTTY } = process.stderr;
    this.#nextAt = now + (isTTY ? TERMINAL_MS : ELSEWHERE_MS);
    this.#isShown = true;
    this.#write(`${Math.floor(100 * share)}%`);
  }

  end(): void {
    if (this.#isShown) this.#write(`${((performance.now() - this.#begin) / 1000).toFixed(1)} s`, '\n');
  }

  #write(state: string, end = process.stderr.isTTY ? '' : '\n'): void {
    process.stderr.write(
      `${process.stderr.isTTY ? '\r\x1b[K' : ''}bench:gossip: ${this.#what}: ${state}${end}`,
    );
  }
}
