import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import {
  ScanBuffer,
  type ScanAnswer,
  type ScannedRow,
  type ScanQuestion,
  Turn,
  newScanMemory,
} from './scan-buffer.js';
import type { ScanWorkerData } from './scan-worker.js';

/** Beside this module, from the bundle of the commands, and from the sources. */
const SCRIPTS = [
  './scan-worker.js',
  '../src/storage/level/scan-worker.js',
  '../../../dist/src/storage/level/scan-worker.js',
];
/** Most scans want a handful of rows; the few that want many soon ask for more at a time. */
const FIRST_ROWS = 32;
const MOST_ROWS = 1024;
const GROWTH = 4;
/** A scan that takes longer hangs. By slices, as a process that was stopped finds that all of its time has passed. */
const SLICE_MS = 250;
const SLICES = 20;
const ZERO = Buffer.of(0);

export interface Range {
  /** The least key. */
  readonly start: Buffer;
  /** The first above the last one. */
  readonly end: Buffer;
  readonly reverse: boolean;
}

/** Reads ranges of rows at once, by a thread that has the same store open. */
export class Scanner {
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #buffer: ScanBuffer;
  #error: Error | undefined;
  #isGone = false;

  /** Lets the thread begin; it waits for `open`. */
  constructor(path: string) {
    const memory = newScanMemory();
    this.#buffer = new ScanBuffer(memory);
    const workerData: ScanWorkerData = { path, memory };
    this.#worker = new Worker(script(), { workerData });
    this.#worker.on('error', (error) => (this.#error = error));
    this.#exited = new Promise((resolve) =>
      this.#worker.once('exit', () => {
        this.#isGone = true;
        resolve(undefined);
      }),
    );
  }

  /** Opens the store a second time; called when it is open. */
  async open(): Promise<void> {
    const opened = once(this.#worker, 'message');
    this.#worker.postMessage('open');
    await Promise.race([opened, this.#exited]);
    if (this.#error !== undefined) throw this.#error;
    // Whoever leaves without closing shall not be held up by it.
    this.#worker.unref();
  }

  /** Each batch of rows is read when it is needed, so that the later ones may be newer. */
  *rows({ start, end, reverse }: Range): Generator<ScannedRow, undefined, undefined> {
    let range = { start, end, reverse };
    for (let maxRows = FIRST_ROWS; ; maxRows = Math.min(maxRows * GROWTH, MOST_ROWS)) {
      const { rows, isEnd } = this.#ask({ ...range, maxRows });
      yield* rows;
      const last = rows.at(-1);
      if (isEnd || last === undefined) return undefined;
      range = reverse ? { ...range, end: last.key } : { ...range, start: Buffer.concat([last.key, ZERO]) };
    }
  }

  #ask(question: ScanQuestion): ScanAnswer {
    if (this.#isGone) throw new Error('nobody is there to scan', { cause: this.#error });
    if (this.#buffer.turn() === Turn.asked) throw new Error('a scan before this one hangs');
    this.#buffer.putQuestion(question);
    this.#buffer.pass(Turn.asked);
    for (let slice = 0; slice < SLICES && this.#buffer.turn() === Turn.asked; slice++)
      this.#buffer.waitWhile(Turn.asked, SLICE_MS);
    const turn = this.#buffer.turn();
    if (turn === Turn.failed) throw toldError(this.#buffer.text());
    if (turn !== Turn.answered) throw new Error('a scan hangs', { cause: this.#error });
    return this.#buffer.answer();
  }

  /** Resolves when the thread has closed the store and is gone. */
  async close(): Promise<void> {
    this.#worker.ref();
    this.#buffer.pass(Turn.ended);
    await this.#exited;
  }

  /** In the place of `close`, where `open` was not called. */
  async abandon(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** An error of the other thread: its code and what it says. */
function toldError(text: string): Error {
  const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown };
  return Object.assign(new Error(String(message)), { code });
}

function script(): URL {
  const found = SCRIPTS.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) throw new Error('the script of the thread that scans is missing');
  return found;
}
