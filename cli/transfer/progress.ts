import { SingleBar } from 'cli-progress';

export interface ProgressOptions {
  /** The command. */
  readonly label: string;
  /** What `update` counts up to; `undefined` when nobody knows. */
  readonly total: number | undefined;
  /** What is counted; default `keys`. */
  readonly unit?: string;
}

/** How often a line is written where there is no terminal, and rewritten where there is one. */
const LINE_EVERY_MS = 5000;
const REWRITTEN_EVERY_MS = 200;

/** What is done so far, how much a second and the time left, on stderr: a bar on a terminal, else a plain line now and then. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #begun = performance.now();
  readonly #bar: SingleBar | undefined;
  #lastLine = performance.now();

  constructor(options: ProgressOptions) {
    this.#options = options;
    if (!process.stderr.isTTY) return;
    const { label, total, unit = 'keys' } = options;
    const format =
      total === undefined
        ? `${label} {keys} ${unit}, {rate}/s`
        : `${label} {bar} {percentage}% {keys} ${unit}, {rate}/s, {left}`;
    this.#bar = new SingleBar({
      format,
      stream: process.stderr,
      // What was changed about the terminal would stay so after a Ctrl-C: neither the cursor nor the wrapping of lines is.
      hideCursor: false,
      linewrap: true,
      clearOnComplete: true,
      etaBuffer: 100,
    });
    this.#bar.start(total ?? 1, 0, { keys: 0, rate: 0, left: '' });
  }

  /** @param position how much of `total` is done */
  update(position: number, keys: number): void {
    if (this.#bar === undefined && performance.now() - this.#lastLine < LINE_EVERY_MS) return;
    const seconds = this.seconds;
    const rate = seconds < 0.2 ? 0 : Math.round(keys / seconds);
    const { label, total, unit = 'keys' } = this.#options;
    const left =
      total === undefined || position === 0
        ? ''
        : `${shownSeconds((seconds * (total - position)) / position)} left`;
    if (this.#bar !== undefined) {
      this.#bar.update(total === undefined ? 0 : Math.min(position, total), { keys, rate, left });
      return;
    }
    this.#lastLine = performance.now();
    const percent = total === undefined || total === 0 ? '' : `${Math.floor((100 * position) / total)}%, `;
    process.stderr.write(`${label}: ${percent}${keys} ${unit}, ${rate}/s${left === '' ? '' : `, ${left}`}\n`);
  }

  /** A line of its own, above the bar. */
  say(text: string): void {
    process.stderr.write(this.#bar === undefined ? `${text}\n` : `\r\u001b[K${text}\n`);
  }

  get seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  end(): void {
    this.#bar?.stop();
  }
}

/** One line of text on stderr that changes: rewritten on a terminal, else written anew now and then. */
export class TerminalLine {
  readonly #label: string;
  #nextAt = 0;

  constructor(label: string) {
    this.#label = label;
  }

  show(text: () => string): void {
    const now = performance.now();
    if (now < this.#nextAt) return;
    const { isTTY, columns } = process.stderr;
    this.#nextAt = now + (isTTY ? REWRITTEN_EVERY_MS : LINE_EVERY_MS);
    const line = `${this.#label}: ${text()}`;
    // A line that wraps could not be rewritten.
    process.stderr.write(
      isTTY ? `\r\u001b[K${line.slice(0, columns > 1 ? columns - 1 : undefined)}` : `${line}\n`,
    );
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

/** `45 s`, `2 min 5 s`, `3 h 20 min`. */
export function shownSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
