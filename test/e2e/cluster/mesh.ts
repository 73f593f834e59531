import type { Random } from '../../../src/base/random.js';
import type { ConfigInput, PeerInfo, Status } from '../../../src/index.js';
import { eventually } from '../../tools/eventually.js';
import { Cluster, type PeerProcess } from '../../tools/peer-process.js';
import { freePorts } from '../../tools/ports.js';
import { Proxy } from '../../tools/proxy.js';
import { type Connection, connectionsOf } from './connections.js';

export interface MeshOptions {
  readonly peers: number;
  readonly storage: 'lmdb' | 'memory';
  readonly random: Random;
  readonly gossip?: ConfigInput['gossip'];
}

/** Real peers that join one after the other. Each names one earlier peer and finds the others by gossip alone. */
export class Mesh {
  readonly cluster = new Cluster();
  readonly peers: readonly PeerProcess[];
  /** Before the first peer and the last, under the addresses that they advertise: their link goes through one of these. */
  readonly #proxies: readonly Proxy[];
  readonly #ports: readonly number[];
  #isClosed = false;

  private constructor(ports: readonly number[], proxies: readonly Proxy[], options: MeshOptions) {
    const { storage, gossip, random } = options;
    this.#ports = ports;
    this.#proxies = proxies;
    this.peers = ports.map((port, place) => {
      const named = ports[random.integer(0, Math.max(0, place - 1))] ?? 0;
      const proxy = [proxies[0], proxies[1]][[0, ports.length - 1].indexOf(place)];
      return this.cluster.configure(`p${place}`, {
        port,
        peers: place === 0 ? [] : [named === ports[0] ? (proxies[0]?.port ?? 0) : named],
        storage,
        ...(proxy ? { advertise: `http://127.0.0.1:${proxy.port}` } : {}),
        ...(gossip ? { gossip } : {}),
      });
    });
    for (const [i, proxy] of proxies.entries())
      proxy.isSlow = (port) =>
        connectionsOfPeer(this.slowEnds[i === 0 ? 1 : 0]).some(({ near }) => near === port);
  }

  static async open(options: MeshOptions): Promise<Mesh> {
    const ports = await freePorts(options.peers);
    const proxies = [await Proxy.to(ports[0] ?? 0), await Proxy.to(ports.at(-1) ?? 0)];
    return new Mesh(ports, proxies, options);
  }

  /** Those whose link `slowDown` is about. */
  get slowEnds(): readonly [PeerProcess, PeerProcess] {
    return [this.peers[0], this.peers.at(-1)] as [PeerProcess, PeerProcess];
  }

  /** The link between the first peer and the last takes so much longer, either way, milliseconds. */
  slowDown(ms: number): void {
    for (const proxy of this.#proxies) proxy.delayMs = ms;
  }

  get running(): PeerProcess[] {
    return this.peers.filter(({ running }) => running);
  }

  statuses(): Promise<Status[]> {
    return Promise.all(this.running.map((peer) => peer.status()));
  }

  /** Waits until every pair has a link, and only one. @returns how long that took, milliseconds */
  async formed(withinMs: number): Promise<number> {
    return tookMs(() => this.#holds('one mesh', () => this.linkProblems(), withinMs));
  }

  /** Waits until all cover and hold the same. @returns how long that took, milliseconds */
  async equal(withinMs: number): Promise<number> {
    return tookMs(() => this.#holds('all are equal', () => this.#differences(), withinMs));
  }

  async #holds(what: string, problems: () => Promise<string[]>, withinMs: number): Promise<void> {
    const probe = async (): Promise<boolean> => {
      const found = await problems();
      if (found.length > 0) throw new Error(`${found.length}: ${found.slice(0, 8).join('; ')}`);
      return true;
    };
    await eventually(what, probe, { withinMs, everyMs: 50 });
  }

  async #differences(): Promise<string[]> {
    const [first, ...others] = (await this.statuses()).map((status) => ({
      name: status.name,
      state: stateOf(status),
    }));
    return others.filter(({ state }) => state !== first?.state).map(({ name }) => `${name} differs`);
  }

  /** What is wrong with the links: pairs that have none or several, and ends that disagree. */
  async linkProblems(): Promise<string[]> {
    const peers = this.running;
    const lists = await Promise.all(peers.map((peer) => peer.getPeers()));
    const problems: string[] = [];
    for (const [i, a] of peers.entries()) {
      for (const [j, b] of peers.entries()) {
        if (j <= i) continue;
        const ends = [rowOf(lists[i] ?? [], b), rowOf(lists[j] ?? [], a)];
        const states = ends.map((end) => `${end?.state ?? 'unknown'} ${end?.direction ?? ''}`).sort();
        if (states.join() !== 'connected in,connected out')
          problems.push(`${a.name}-${b.name} ${states.join(' and ')}`);
      }
    }
    return [...problems, ...this.#connectionProblems()];
  }

  /** The same as the operating system sees it. */
  #connectionProblems(): string[] {
    const placeOfPort = new Map(this.#ports.map((port, place) => [port, place]));
    placeOfPort.set(this.#proxies[0]?.port ?? 0, 0).set(this.#proxies[1]?.port ?? 0, this.peers.length - 1);
    const counts = new Map<string, number>();
    for (const [place, { pid }] of this.peers.entries()) {
      const connections = pid === undefined ? [] : connectionsOf(pid);
      for (const { far } of connections ?? []) {
        const other = placeOfPort.get(far);
        if (other === undefined || other === place) continue;
        const pair = `p${Math.min(place, other)}-p${Math.max(place, other)}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    return [...counts].filter(([, count]) => count > 1).map(([pair, count]) => `${pair} has ${count} links`);
  }

  /** Whom anybody says to be in one of these states, each as `who says of whom: state`. */
  async said(
    states: readonly PeerInfo['state'][],
    by: readonly PeerProcess[] = this.running,
  ): Promise<string[]> {
    const lists = await Promise.all(by.map(async (peer) => ({ peer, list: await peer.getPeers() })));
    return lists.flatMap(({ peer, list }) =>
      list
        .filter(({ state }) => states.includes(state))
        .map(({ name, id, state }) => `${peer.name} says of ${name ?? id ?? '?'}: ${state}`),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.cluster.stop();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

const connectionsOfPeer = ({ pid }: PeerProcess): Connection[] =>
  pid === undefined ? [] : (connectionsOf(pid) ?? []);

const rowOf = (list: readonly PeerInfo[], { id }: PeerProcess): PeerInfo | undefined =>
  list.find((row) => row.id === id);

async function tookMs(run: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await run();
  return performance.now() - from;
}

/** What two peers that are equal have in common. */
function stateOf({ buckets }: Status): string {
  return Object.entries(buckets)
    .map(([name, { hash, keys, vector }]) => {
      const covered = Object.entries(vector).map(([origin, set]) => `${origin}:${set}`);
      return `${name} ${keys} ${hash} ${covered.sort().join(';')}`;
    })
    .sort()
    .join('\n');
}
