import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Status } from '../../../src/index.js';
import { compiled, NODE } from '../tools/places.js';
import type { Order, Reading, VictimOptions, Wave } from './protocol.js';

/** An order is answered in this time, or its process hangs as a whole, milliseconds. */
const ANSWER_MS = 30_000;

export interface Refused {
  readonly at: 'refused';
  readonly code: string;
  readonly message: string;
}

/** How a process ended: a signal's name, or its exit code. */
export type End = NodeJS.Signals | number;

/** A peer in a process of its own that does what it is told, until it dies. */
export class Victim {
  readonly ended: Promise<End>;
  log = '';
  readonly #child: ChildProcess;
  readonly #answers: unknown[] = [];
  #heard: () => void = () => undefined;
  #end: End | undefined;

  /**
   * @param launcher what its command line begins with: strace and its options
   * @param node options of Node
   */
  constructor(
    options: VictimOptions,
    launcher: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
    node: readonly string[] = [],
  ) {
    const words = [...launcher, NODE, ...node, compiled('victim/main.js'), JSON.stringify(options)];
    this.#child = spawn(words[0] ?? NODE, words.slice(1), {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    // Orders to one that has died; `ended` tells of that.
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.#answers.push(JSON.parse(line));
        this.#heard();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#end = signal ?? code ?? 0;
        this.#heard();
        resolve(this.#end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get end(): End | undefined {
    return this.#end;
  }

  /** Waits until it is open, or has said why not; `undefined` when it died, or said nothing for too long. */
  async opened(): Promise<{ at: 'open' } | Refused | undefined> {
    return (await this.#answer()) as { at: 'open' } | Refused | undefined;
  }

  write(from: number, count: number): Promise<Wave | undefined> {
    return this.#ask({ do: 'write', from, count }) as Promise<Wave | undefined>;
  }

  read(): Promise<Reading | undefined> {
    return this.#ask({ do: 'read' }) as Promise<Reading | undefined>;
  }

  status(): Promise<Status | undefined> {
    return this.#ask({ do: 'status' }) as Promise<Status | undefined>;
  }

  close(): Promise<{ closed: boolean; code?: string } | undefined> {
    return this.#ask({ do: 'close' }) as Promise<{ closed: boolean; code?: string } | undefined>;
  }

  #ask(order: Order): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const until = performance.now() + ANSWER_MS;
    while (this.#answers.length === 0 && this.#end === undefined && performance.now() < until) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - performance.now());
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#answers.shift();
  }

  async kill(): Promise<End> {
    this.#child.kill('SIGKILL');
    return this.ended;
  }
}
