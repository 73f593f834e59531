import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PeerProcess } from './peer-process.js';

const DEATH_IS_KNOWN_WITHIN_MS = 500;

/** Who takes part: its name, and the names of those that its config names. */
export interface Role {
  readonly name: string;
  readonly knows: readonly string[];
}

/** A temporary folder with configs and data, the peers' processes, and the duty to leave nothing of it behind. */
export class Stage {
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();
  readonly #peers = new Map<string, PeerProcess>();
  readonly #died: (error: Error) => void;
  #cleared = false;
  /** Rejects when a peer ends that nobody told to; never resolves. */
  readonly accident: Promise<never>;

  private constructor(folder: string) {
    this.#folder = folder;
    let died: (error: Error) => void = () => undefined;
    this.accident = new Promise<never>((_resolve, reject) => (died = reject));
    // Only raced with what is going on: when nothing is, there is nothing to tell.
    this.accident.catch(() => undefined);
    this.#died = died;
  }

  /** Makes the folder and in it a config for each role, with ports that are free now. */
  static async set(roles: readonly Role[]): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'rumeur-demo-')));
    const free = await freePorts(roles.length);
    const ports = new Map(roles.map(({ name }, i) => [name, free[i]]));
    for (const { name, knows } of roles) {
      const peers = knows.map((other) => ports.get(other));
      const config = {
        name,
        port: ports.get(name),
        peers,
        dataDir: join('data', name),
        log: { level: 'warn' },
      };
      await writeFile(stage.#configPath(name), `${JSON.stringify(config, null, 2)}\n`);
    }
    return stage;
  }

  #configPath(name: string): string {
    return join(this.#folder, `${name}.json`);
  }

  /** Starts a peer, or starts it again. */
  async start(name: string): Promise<PeerProcess> {
    const peer = await PeerProcess.start(
      name,
      this.#configPath(name),
      (child) => {
        if (this.#cleared) child.kill('SIGKILL');
        this.#children.add(child);
        child.once('exit', () => this.#children.delete(child));
      },
      this.#died,
    );
    this.#peers.set(name, peer);
    return peer;
  }

  /** The processes that run or ran last, in the order of their first start. */
  get peers(): PeerProcess[] {
    return [...this.#peers.values()];
  }

  /** A failed call may be the first sign of a death, which is then the better explanation. */
  async causeOf(error: unknown): Promise<unknown> {
    return Promise.race([this.accident, wait(DEATH_IS_KNOWN_WITHIN_MS, error)]).catch(
      (death: unknown) => death,
    );
  }

  /** Ends all peers in order. @throws Error when one does not end as it should */
  async close(): Promise<void> {
    await Promise.all(this.peers.filter(({ alive }) => alive).map((peer) => peer.stop()));
  }

  /** Ends what still runs and removes the folder: at once, so that it may be called when this process ends. */
  clear(): void {
    this.#cleared = true;
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Asked for together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
