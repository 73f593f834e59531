import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { pc } from './colors.js';
import { toRumeurError } from '../src/base/errors.js';
import type { PeerInfo } from '../src/api/service.js';
import { PeerClient } from './client.js';
import { EXIT } from './exit-codes.js';
import { FORCED, handleInterrupts } from './interrupts.js';
import { errorText } from './output.js';
import { findConfig, PACKAGE_ROOT } from './target.js';

interface Member {
  /** The config as the user named it, without `.json`. */
  readonly label: string;
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  /** From its ready line. */
  place?: { readonly url: string; readonly id: string };
}

const COLOURS = [pc.cyan, pc.magenta, pc.yellow, pc.green, pc.blue, pc.red];
const POLL_MS = 200;
const UNEXPECTED = 1;

/**
 * Runs peers as processes of their own in one terminal, each line with the name of its peer, until Ctrl-C.
 * @param configs as for the command line; when one ends by itself, all end
 * @returns the exit code
 * @throws RumeurError `CONFIG_INVALID` for a config that does not exist
 */
export async function runLocalCluster(configs: readonly string[]): Promise<number> {
  const paths = configs.map((name) => findConfig(name));
  const labels = configs.map((name) => name.replace(/^.*[/\\]/, '').replace(/\.json$/i, ''));
  const width = Math.max(...labels.map((label) => label.length));
  return new Promise((resolve) => {
    const cluster = new LocalCluster(width, resolve);
    handleInterrupts({ onStop: () => cluster.stop(EXIT.done), onForce: () => cluster.kill() });
    // Whoever read our output is gone.
    process.stdout.on('error', () => cluster.stop(EXIT.done));
    for (const [index, path] of paths.entries()) cluster.start(path, labels[index] ?? path);
  });
}

class LocalCluster {
  readonly #width: number;
  readonly #resolve: (exitCode: number) => void;
  readonly #members: Member[] = [];
  #starting = true;
  #stopping = false;

  constructor(width: number, resolve: (exitCode: number) => void) {
    this.#width = width;
    this.#resolve = resolve;
  }

  start(config: string, label: string): void {
    const cli = join(PACKAGE_ROOT, 'cli.js');
    const child = spawn(process.execPath, [cli, config, 'start'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        console.error(`${label} cannot be started: ${error.message}`);
        resolve();
        this.stop(UNEXPECTED);
      });
      child.once('close', (code, signal) => {
        resolve();
        this.#onEnd(label, code, signal);
      });
    });
    const member: Member = { label, process: child, ended };
    const colour = COLOURS[this.#members.length % COLOURS.length] ?? pc.cyan;
    this.#members.push(member);
    const prefix = colour(`${label.padEnd(this.#width)} |`);
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(`${prefix} ${line}`);
      this.#onResult(member, line);
    });
    createInterface({ input: child.stderr }).on('line', (line) => console.log(`${prefix} ${logLine(line)}`));
  }

  /** Ends all, and then the run; may be called again. */
  stop(exitCode: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // The terminal may have told them already: a peer that is closing takes no harm from being told again.
    for (const { process: child } of this.#members) child.kill('SIGTERM');
    void Promise.all(this.#members.map(({ ended }) => ended)).then(() => this.#resolve(exitCode));
  }

  kill(): void {
    for (const { process: child } of this.#members) child.kill('SIGKILL');
    process.exit(FORCED);
  }

  #onEnd(label: string, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#stopping) return;
    const how = signal === null ? `ended with exit code ${code ?? 0}` : `was killed by ${signal}`;
    console.error(`${label} ${how}; stopping the others`);
    this.stop(code === 0 ? EXIT.done : UNEXPECTED);
  }

  #onResult(member: Member, line: string): void {
    const [, url, id] = /^ready \S+ (\S+) (\S+)$/.exec(line) ?? [];
    if (url === undefined || id === undefined) return;
    member.place = { url, id };
    if (!this.#starting || this.#members.some(({ place }) => place === undefined)) return;
    this.#starting = false;
    this.#untilConnected().then(
      () => this.#sayWhatNext(),
      (thrown: unknown) => {
        // Of a peer that ends we hear anyway.
        if (!this.#stopping) console.error(errorText(toRumeurError(thrown)));
      },
    );
  }

  async #untilConnected(): Promise<void> {
    const places = this.#members.flatMap(({ place }) => place ?? []);
    const ids = places.map(({ id }) => id);
    await Promise.all(
      places.map(async ({ url, id }) => {
        const client = await PeerClient.connect(url, { timeoutMs: 10_000 });
        try {
          while (!this.#stopping && !knowsAll(await client.call('getPeers', {}), ids, id))
            await wait(POLL_MS);
        } finally {
          client.close();
        }
      }),
    );
  }

  #sayWhatNext(): void {
    if (this.#stopping) return;
    const [first, ...others] = this.#members.map(({ label }) => label);
    const last = others.at(-1) ?? first ?? '';
    const state = others.length === 0 ? `${last} is running` : `all ${others.length + 1} peers are connected`;
    console.log(`
${pc.bold(`${state}.`)} In another terminal, type for example:
  node cli.js ${first ?? ''} set Ville Lyon
  node cli.js ${last} get Ville
  node cli.js ${last} getPeers
  node cli.js --help
Ctrl-C ends ${others.length === 0 ? 'it' : 'them all'}.
`);
  }
}

function knowsAll({ value }: { readonly value: unknown }, ids: readonly string[], self: string): boolean {
  const connected = (value as readonly PeerInfo[]).filter(({ state }) => state === 'connected');
  return ids.every((id) => id === self || connected.some((peer) => peer.id === id));
}

const LEVELS: Readonly<Record<number, string>> = {
  40: pc.yellow('WARN '),
  50: pc.red('ERROR '),
  60: pc.red('FATAL '),
};

/** A line of the log without what does not matter here; anything else as it is. */
export function logLine(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('level' in entry)) return line;
  return `${LEVELS[Number(entry.level)] ?? ''}${String(entry.msg)}`;
}
