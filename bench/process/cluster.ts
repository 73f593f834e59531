import { join } from 'node:path';
import type { Variant } from '../peers/peer.js';
import { RemotePeer } from './remote-peer.js';

export interface ClusterOptions {
  readonly variant: Variant;
  /** An empty directory for the peers' data. */
  readonly dataDir: string;
  readonly profileDir?: string | undefined;
}

/** A peer that came or came back. */
export interface Arrival {
  readonly peer: RemotePeer;
  /** When it began to open or to connect, by `now()`. */
  readonly begin: number;
  /** What its process had read and written before. */
  readonly bytesBefore: number;
}

const LINKED_WITHIN_MS = 20_000;
/** Longest wait for any state; a system that needs more has failed. */
export const WITHIN_MS = 120_000;

/** Peers of one system, each in its own process, each connected to all others. */
export class Cluster {
  readonly variant: Variant;
  readonly #options: ClusterOptions;
  readonly #members: { peer: RemotePeer; url: string; name: string }[] = [];
  /** Closed members too: they end when their process does. */
  readonly #started: RemotePeer[] = [];

  private constructor(options: ClusterOptions) {
    this.variant = options.variant;
    this.#options = options;
  }

  /** Calls `use` with a cluster of so many peers, and ends their processes afterwards, also when it fails. */
  static async with<T>(
    options: ClusterOptions,
    peers: number,
    use: (cluster: Cluster) => Promise<T>,
  ): Promise<T> {
    const cluster = new Cluster(options);
    try {
      for (let i = 0; i < peers; i++) await cluster.add();
      await Promise.all(
        cluster.#members.map(({ peer }) =>
          peer.call('linked', { links: peers - 1, withinMs: LINKED_WITHIN_MS }),
        ),
      );
      const result = await use(cluster);
      await Promise.all(cluster.#members.map(({ peer }) => peer.close()));
      return result;
    } finally {
      await Promise.all(cluster.#started.map((peer) => peer.kill()));
    }
  }

  /** The peers in the order in which they were added. */
  get peers(): RemotePeer[] {
    return this.#members.map(({ peer }) => peer);
  }

  get urls(): string[] {
    return this.#members.map(({ url }) => url);
  }

  /** Starts one more, connected to all that are there. */
  async add(name = `peer${this.#members.length + 1}`): Promise<Arrival> {
    const peer = new RemotePeer(this.#options.profileDir);
    this.#started.push(peer);
    const { url, begin } = await peer.call('open', {
      variant: this.variant,
      name,
      peers: this.urls,
      dataDir: join(this.#options.dataDir, name),
    });
    this.#members.push({ peer, url, name });
    return { peer, begin, bytesBefore: 0 };
  }

  /**
   * The last peer leaves, `meanwhile` happens, the peer comes back: with its data directory in a new process, or, where
   * the data is gone with the process, by connecting again.
   */
  async awayDuring(meanwhile: () => Promise<void>): Promise<Arrival> {
    const last = this.#members.at(-1);
    if (last === undefined) throw new Error('there is no peer to leave');
    if (this.variant === 'plain') {
      await last.peer.call('disconnect');
      await meanwhile();
      return { peer: last.peer, ...(await last.peer.call('reconnect')) };
    }
    this.#members.pop();
    await last.peer.close();
    await meanwhile();
    return this.add(last.name);
  }

  /** Resolves when every peer holds so many keys. @returns when the last one did */
  async allHold(keys: number): Promise<number> {
    const times = this.peers.map((peer) => peer.call('holds', { keys, withinMs: WITHIN_MS }));
    return Math.max(...(await Promise.all(times)));
  }
}
