import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/api/service.js';
import { PeerClient } from '../client.js';

const CLI = fileURLToPath(new URL('../../../cli.js', import.meta.url));
const READY_WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5000;
/** Lines of its log that are shown when a peer dies. */
const LOG_LINES = 10;

/** `node cli.js <config> start`, and a connection to it. */
export class PeerProcess {
  readonly name: string;
  readonly url: string;
  readonly client: PeerClient;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #expected = false;

  private constructor(name: string, url: string, client: PeerClient, child: ChildProcess) {
    this.name = name;
    this.url = url;
    this.client = client;
    this.#child = child;
    this.#exited =
      child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve();
  }

  /**
   * @param started told of the process at once, so that it can be ended whatever happens next
   * @throws Error with the end of its log when it does not become ready
   */
  static async start(
    name: string,
    configPath: string,
    started: (child: ChildProcess) => void,
    died: (error: Error) => void,
  ): Promise<PeerProcess> {
    const child = spawn(process.execPath, [CLI, configPath, 'start'], { stdio: ['ignore', 'pipe', 'pipe'] });
    started(child);
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (log.length > LOG_LINES) log.shift();
    });
    const url = await readyUrl(name, child, log);
    const peer = new PeerProcess(
      name,
      url,
      await PeerClient.connect(url, { timeoutMs: ANSWER_WITHIN_MS }),
      child,
    );
    child.once('exit', (code, signal) => {
      if (!peer.#expected) died(deathOf(name, code, signal, log));
    });
    return peer;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it runs and nobody has told it to end. */
  get alive(): boolean {
    return !this.#expected;
  }

  async status(): Promise<Status> {
    return (await this.client.call('status', {})).value as Status;
  }

  /** kill -9: no warning, no goodbye, nothing flushed. */
  async crash(): Promise<void> {
    this.#expected = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
    this.client.close();
  }

  /** As Ctrl-C does. @throws Error when it does not end in time, or not in order */
  async stop(): Promise<void> {
    this.#expected = true;
    this.client.close();
    const overdue = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    this.#child.kill('SIGTERM');
    await this.#exited;
    clearTimeout(overdue);
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0)
      throw new Error(`${this.name} did not end in order: ${signalCode ?? String(exitCode)}`);
  }
}

/** From its line `ready <name> <url> <peer id>`. */
async function readyUrl(name: string, child: ChildProcess, log: readonly string[]): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('the output of a peer is not connected');
  return new Promise((resolve, reject) => {
    const overdue = setTimeout(
      () => reject(new Error(`${name} is not ready after ${READY_WITHIN_MS} ms`)),
      READY_WITHIN_MS,
    );
    createInterface({ input: stdout }).on('line', (line) => {
      const [word, , url] = line.split(' ');
      if (word !== 'ready' || url === undefined) return;
      clearTimeout(overdue);
      resolve(url);
    });
    child.once('error', reject);
    // Not `exit`: what it said last would not have been read yet.
    child.once('close', (code, signal) => {
      clearTimeout(overdue);
      reject(deathOf(name, code, signal, log));
    });
  });
}

function deathOf(name: string, code: number | null, signal: string | null, log: readonly string[]): Error {
  const said = log.length === 0 ? '' : `; it said:\n${log.map((line) => `  ${line}`).join('\n')}`;
  return new Error(`${name} died unexpectedly (${signal ?? `exit code ${String(code)}`})${said}`);
}
