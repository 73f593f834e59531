import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Socket } from 'socket.io-client';
import type { ConfigInput, PeerInfo, Status } from '../../src/index.js';
import { eventually } from './eventually.js';
import { connect, type Ack, call, valueOf } from './socket-client.js';

/** From the sources, and from dist/. */
const CLI = ['../../cli.js', '../../../cli.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path)) as string;
/** The Node that peers run on: `.ci/run` tries others as well. */
const NODE = process.env['RUMEUR_NODE'] ?? process.execPath;

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line to its end. */
export function cli(
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliResult> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    const child = execFile(
      NODE,
      [CLI, ...args],
      { cwd: options.cwd, env, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** A temporary folder with the configs and data of one test's peers, and the processes that run from it. */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'rumeur-e2e-'));
  readonly peers: PeerProcess[] = [];

  /** Writes a config and returns its peer, not yet started. The log is quiet unless the config says otherwise. */
  configure(name: string, config: ConfigInput): PeerProcess {
    const path = join(this.folder, `${name}.json`);
    writeFileSync(path, JSON.stringify({ log: { level: 'info', format: 'json' }, ...config }));
    const peer = new PeerProcess(name, path, this.folder);
    this.peers.push(peer);
    return peer;
  }

  async start(name: string, config: ConfigInput): Promise<PeerProcess> {
    const peer = this.configure(name, config);
    await peer.start();
    return peer;
  }

  /** Waits until all running peers cover the same and hold the same; gives that state hash. */
  async converged(withinMs = 30_000): Promise<string> {
    const running = this.peers.filter((peer) => peer.running);
    return eventually(
      'all peers hold the same state',
      async () => {
        const buckets = await Promise.all(
          running.map(async (peer) => (await peer.status()).buckets['default']),
        );
        const states = new Set(
          buckets.map((bucket) => JSON.stringify([bucket?.hash, sorted(bucket?.vector ?? {})])),
        );
        return states.size === 1 ? (buckets[0]?.hash ?? '') : '';
      },
      { withinMs },
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.kill('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

const sorted = (vector: Record<string, string>): [string, string][] =>
  Object.entries(vector).sort(([a], [b]) => (a < b ? -1 : 1));

/** A real peer in a real process: `node cli.js <config> start`. */
export class PeerProcess {
  readonly name: string;
  readonly config: string;
  readonly dataDir: string;
  url = '';
  id = '';
  /** Everything that the process has written to stderr. */
  log = '';
  /** Set in the process's environment beside our own. */
  env: NodeJS.ProcessEnv = {};
  /** What the command line begins with, for a process that is to run somewhere else. */
  launcher: readonly string[] = [];
  #child: ChildProcess | undefined;
  #socket: Socket | undefined;

  constructor(name: string, config: string, folder: string) {
    this.name = name;
    this.config = config;
    this.dataDir = join(folder, '.rumeur', name);
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const env = { ...process.env, ...this.env };
    const words = [...this.launcher, NODE, CLI, this.config, 'start'];
    const child = spawn(words[0] ?? NODE, words.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    const ready = await new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        if (out.includes('\n')) resolve(out);
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (this.#child === child) this.#child = undefined;
        reject(new Error(`${this.name} ended with ${String(code ?? signal)}: ${this.log}`));
      });
    });
    const [word, , url = '', id = ''] = ready.trim().split(' ');
    if (word !== 'ready') throw new Error(`${this.name} printed ${JSON.stringify(ready)}`);
    this.url = url;
    this.id = id;
  }

  /** Ends the process with a signal and gives its exit code, `null` when the signal killed it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#socket?.disconnect();
    this.#socket = undefined;
    if (!child) return null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    this.#child = undefined;
    return code;
  }

  async socket(): Promise<Socket> {
    if (!this.#socket?.connected) this.#socket = await connect(this.url, { transports: ['websocket'] });
    return this.#socket;
  }

  async call(event: string, ...args: unknown[]): Promise<Ack> {
    return call(await this.socket(), event, ...args);
  }

  async value(event: string, ...args: unknown[]): Promise<unknown> {
    return valueOf(await this.socket(), event, ...args);
  }

  get(key: string): Promise<unknown> {
    return this.value('get', key);
  }

  async set(key: string, value: unknown): Promise<{ dot: string; stamp: string }> {
    return (await this.value('set', key, value)) as { dot: string; stamp: string };
  }

  async status(): Promise<Status> {
    return (await this.value('status')) as Status;
  }

  async getPeers(): Promise<PeerInfo[]> {
    return (await this.value('getPeers')) as PeerInfo[];
  }

  /** Waits until this peer is linked to so many others. */
  async connected(count: number): Promise<void> {
    await eventually(`${this.name} is connected to ${count}`, async () => {
      const peers = await this.getPeers();
      return peers.filter(({ state }) => state === 'connected').length === count;
    });
  }

  cli(...args: string[]): Promise<CliResult> {
    return cli([this.config, ...args]);
  }
}
