/** Lines are this far apart where nobody looks on, milliseconds. */
const PAUSE_MS = 10_000;

/** Tells how far a long run is: on a terminal in one line that is written over, else a line every now and then. */
export class Progress {
  readonly #all: number;
  readonly #begin = performance.now();
  #done = 0;
  #failures = 0;
  #virtualSeconds = 0;
  #workSeconds = 0;
  #toldAt = 0;

  constructor(all: number) {
    this.#all = all;
  }

  add(seeds: number, failures: number, seconds: number, virtualSeconds: number): void {
    this.#done += seeds;
    this.#failures += failures;
    this.#workSeconds += seconds;
    this.#virtualSeconds += virtualSeconds;
    this.#tell();
  }

  text(): string {
    const seconds = (performance.now() - this.#begin) / 1000;
    const rate = this.#done / seconds;
    const left = (this.#all - this.#done) / rate;
    const ratio = this.#virtualSeconds / Math.max(0.001, this.#workSeconds);
    const parts = [
      `${count(this.#done)} of ${count(this.#all)} seeds`,
      `${rate.toFixed(1)}/s`,
      `${duration(left)} left`,
      `each process ${ratio.toFixed(0)} times as fast as real time`,
      `${count(this.#failures)} failures`,
    ];
    return parts.join(', ');
  }

  #tell(): void {
    const { isTTY } = process.stderr;
    const now = performance.now();
    if (!isTTY && now - this.#toldAt < PAUSE_MS && this.#done < this.#all) return;
    this.#toldAt = now;
    process.stderr.write(isTTY ? `\r\u001b[K${this.text()}` : `${this.text()}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\n');
  }
}

const count = (n: number): string => n.toLocaleString('en-US');

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
