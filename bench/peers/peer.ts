import type { BenchValue } from '../data.js';

/** How a peer keeps its data: `plain` is the yardstick, the others are Rumeur. */
export type Variant = 'plain' | 'flushed' | 'committed' | 'memory';

export interface PeerSettings {
  readonly variant: Variant;
  readonly name: string;
  /** The peers to connect to. */
  readonly peers: readonly string[];
  /** Where Rumeur keeps its data; not used by the others. */
  readonly dataDir: string;
}

/** What is measured: the same few calls on every system, made in the peer's own process. */
export interface BenchPeer {
  readonly url: string;
  /** Acknowledged when it resolves, or at once where nothing is returned. */
  set(key: string, value: BenchValue): Promise<unknown> | undefined;
  /** The fastest way to write many. */
  load(rows: readonly (readonly [key: string, value: BenchValue])[]): Promise<unknown> | undefined;
  get(key: string): Promise<unknown>;
  /** How many keys it holds. */
  keys(): number;
  /** How many other peers it is connected to. */
  links(): number;
  /** Calls `listener` when a key that starts with `prefix` becomes readable here. */
  watch(prefix: string, listener: (value: BenchValue) => void): void;
  close(): Promise<void>;
}

/** A peer that loses its data with its process: it comes back by connecting again. */
export interface ReconnectingPeer extends BenchPeer {
  disconnect(): void;
  reconnect(): void;
}

export const canReconnect = (peer: BenchPeer): peer is ReconnectingPeer => 'reconnect' in peer;
