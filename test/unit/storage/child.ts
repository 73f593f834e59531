import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { EngineName } from '../../../src/storage/engines.js';

const SCRIPT = fileURLToPath(new URL('store-child.mjs', import.meta.url));

/** A line that `store-child.mjs` says. */
export interface Said {
  readonly at: 'open' | 'flushed' | 'commit' | 'failure' | 'visible' | 'read' | 'close' | 'unhandled';
  readonly provenance?: string;
  readonly peerId?: string;
  readonly origin?: string;
  readonly n?: number;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** A running `store-child.mjs`. */
export class StoreChild {
  readonly said: Said[] = [];
  readonly pid: number | undefined;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  #heard: () => void = () => undefined;

  /** @param before shell commands that set up the process, `ulimit` for one */
  constructor(
    mode: 'hold' | 'stream' | 'stream-later',
    directory: string,
    { before = ':', engine = 'lmdb' }: { readonly before?: string; readonly engine?: EngineName } = {},
  ) {
    const command = `${before}; exec "$0" "$@"`;
    this.#process = spawn('sh', ['-c', command, process.execPath, SCRIPT, mode, directory, engine], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.pid = this.#process.pid;
    const lines = createInterface({ input: this.#process.stdout });
    lines.on('line', (line) => {
      this.said.push(JSON.parse(line) as Said);
      this.#heard();
    });
    this.#ended = Promise.all([once(this.#process, 'exit'), once(lines, 'close')]);
    void this.#ended.then(() => this.#heard());
  }

  /** The first line that fits; rejects when the process ends without one. */
  async until(fits: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.said.find(fits);
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null)
        throw new Error(`it ended (is dist/ built?) after saying ${JSON.stringify(this.said)}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  opened(): Promise<Said> {
    return this.until(({ at }) => at === 'open');
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Lets a writer that waits begin. */
  start(): void {
    this.#process.stdin.write('\n');
  }

  /** Lets a holder close in order. */
  async finish(): Promise<void> {
    this.#process.stdin.end('\n');
    await this.#ended;
  }

  /** Waits for the process to end by itself. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#process.exitCode;
  }
}
