import { MultiBar, type SingleBar } from 'cli-progress';
import { pc } from '../colors.js';

const FORMAT = '{name} {bar} {percentage}%  {keys} keys  {note}';
/** How often a line is written where there is no terminal. */
const LINE_EVERY_MS = 2000;

/** What is known of a peer right now. */
export interface Progress {
  readonly name: string;
  readonly keys: number;
  /** Empty, or why it does not move. */
  readonly note: string;
}

/** The story goes to stdout; on a terminal bars run below it on stderr, elsewhere there is a plain line now and then. */
export class Screen {
  readonly #total: number;
  readonly #begin = performance.now();
  readonly #bars = new Map<string, SingleBar>();
  #multi: MultiBar | undefined;
  #lastLine = performance.now();

  /** @param total how many keys there will be */
  constructor(total: number) {
    this.#total = total;
  }

  /** A line of the story, with the time since the beginning. */
  say(text: string): void {
    const seconds = ((performance.now() - this.#begin) / 1000).toFixed(1).padStart(5);
    this.print(`${pc.dim(`[${seconds} s]`)} ${text}`);
  }

  print(text: string): void {
    // Bars and lines on one terminal would overwrite each other.
    if (this.#multi && process.stdout.isTTY) {
      this.#multi.log(`${text}\n`);
      // At once: what waits for the next redrawing is lost when the bars end before.
      this.#multi.update();
    } else process.stdout.write(`${text}\n`);
  }

  show(peers: readonly Progress[]): void {
    if (process.stderr.isTTY) this.#draw(peers);
    else if (performance.now() - this.#lastLine >= LINE_EVERY_MS) {
      this.#lastLine = performance.now();
      const parts = peers.map(({ name, keys, note }) => `${name} ${note === '' ? count(keys) : note}`);
      process.stderr.write(`${parts.join(', ')} of ${count(this.#total)} keys\n`);
    }
  }

  #draw(peers: readonly Progress[]): void {
    // All of it again: lines of the story move the bars down. What to do at an interrupt is not theirs to say.
    const options = { forceRedraw: true, hideCursor: true, gracefulExit: false };
    this.#multi ??= new MultiBar({ format: FORMAT, stream: process.stderr, ...options });
    for (const { name, keys, note } of peers) {
      let bar = this.#bars.get(name);
      if (!bar) this.#bars.set(name, (bar = this.#multi.create(this.#total, 0)));
      bar.update(Math.min(keys, this.#total), { name, keys: count(keys), note });
    }
  }

  /** Takes the bars away, and gives the cursor back. */
  end(): void {
    this.#multi?.stop();
    this.#multi = undefined;
    this.#bars.clear();
  }
}

export const count = (number: number): string => number.toLocaleString('en-US');
