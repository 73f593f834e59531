import { readFileSync } from 'node:fs';
import type { Socket } from 'socket.io-client';
import type { ConfigInput, Status } from '../../../src/index.js';
import { Cluster, type PeerProcess } from '../../tools/peer-process.js';
import { connect } from '../../tools/socket-client.js';
import { NamespaceNetwork } from './namespaces.js';
import { type Network, pairsOf } from './network.js';
import { ProxyNetwork } from './proxies.js';

/** A bucket of each policy. */
export const BUCKETS = {
  default: { policy: 'lww' },
  first: { policy: 'fww' },
  carts: { policy: 'siblings' },
  sums: { policy: 'counter' },
  tags: { policy: 'set' },
} as const;
export type BucketName = keyof typeof BUCKETS;
export const BUCKET_NAMES = Object.keys(BUCKETS) as BucketName[];

/** Everything is noticed soon, so that much happens in little time. */
const GOSSIP: ConfigInput['gossip'] = {
  discovery: false,
  antiEntropyMs: [100, 2000],
  pingMs: 400,
  pingTimeoutMs: 2000,
  dialBackoffMs: [50, 1000],
  dialTimeoutMs: 1500,
  announceMs: 300,
  auditMs: 1000,
};
const STATUS_MS = 5000;

/** One peer of the field, with what tests must know about its past. */
export interface Place {
  readonly number: number;
  readonly peer: PeerProcess;
  /** How often its store was lost: who wrote before may know what it does not. */
  life: number;
  /** Whether clients go to it. */
  isOpen: boolean;
  /** Whether a fault has it in hand. */
  isBusy: boolean;
  isPaused: boolean;
  /** Calls of clients that are under way. */
  calls: number;
}

/** Real peers on disk in a full mesh that can be cut anywhere. */
export class Field {
  readonly network: Network;
  readonly places: readonly Place[];
  readonly cluster = new Cluster();
  readonly #watchers = new Map<Place, Socket>();

  private constructor(network: Network, count: number, config: Partial<ConfigInput>) {
    this.network = network;
    this.places = Array.from({ length: count }, (_, number) => {
      const peer = this.cluster.configure(`p${number}`, {
        ...network.configOf(number),
        log: { level: 'info', format: 'json' },
        ...config,
        buckets: { ...BUCKETS, ...config.buckets },
        gossip: { ...GOSSIP, ...config.gossip },
      });
      peer.launcher = network.launcherOf(number);
      return { number, peer, life: 0, isOpen: false, isBusy: false, isPaused: false, calls: 0 };
    });
  }

  /** @param config what all peers have beside, or in the place of, what chaos needs */
  static async open(count: number, config: Partial<ConfigInput> = {}): Promise<Field> {
    const inNamespaces = process.env['RUMEUR_CHAOS_NET'] === 'namespaces';
    const network = await (inNamespaces ? NamespaceNetwork : ProxyNetwork).open(count);
    return new Field(network, count, config);
  }

  get running(): Place[] {
    return this.places.filter(({ peer }) => peer.running);
  }

  /** Peers that answer. */
  get awake(): Place[] {
    return this.running.filter(({ isPaused }) => !isPaused);
  }

  async start(place: Place): Promise<void> {
    await place.peer.start();
    place.isOpen = true;
  }

  async healAll(): Promise<void> {
    for (const [low, high] of pairsOf(this.places.length)) await this.network.heal(low, high);
  }

  /** Over a connection of its own, which no fault has to wait for. */
  async status(place: Place): Promise<Status> {
    let socket = this.#watchers.get(place);
    if (!socket?.connected) {
      socket?.disconnect();
      socket = await connect(place.peer.url, { transports: ['websocket'], timeout: STATUS_MS });
      this.#watchers.set(place, socket);
    }
    const ack = (await socket.timeout(STATUS_MS).emitWithAck('status')) as { value: Status };
    return ack.value;
  }

  /** Bytes of a process's own memory; files that it maps, the store's above all, do not count. 0 where that is not told. */
  memoryOf({ peer }: Place): number {
    try {
      const text = readFileSync(`/proc/${peer.pid ?? 0}/status`, 'utf8');
      return Number(/^RssAnon:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    } catch (error) {
      // It has just ended, or this system has no such files.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#watchers.values()) socket.disconnect();
    await this.cluster.stop();
    await this.network.close();
  }
}
