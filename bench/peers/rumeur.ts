import { Peer } from '../../src/index.js';
import type { BenchValue } from '../data.js';
import type { BenchPeer, PeerSettings } from './peer.js';

/** Rumeur through its public library. */
export class RumeurPeer implements BenchPeer {
  readonly #peer: Peer;

  private constructor(peer: Peer) {
    this.#peer = peer;
  }

  static async open({ variant, name, peers, dataDir }: PeerSettings): Promise<RumeurPeer> {
    if (variant === 'plain') throw new Error('the plain peer is no variant of Rumeur');
    const peer = await Peer.open({
      name,
      port: 0,
      peers: [...peers],
      dataDir,
      storage: variant === 'memory' ? 'memory' : 'lmdb',
      durability: variant,
      log: { level: 'warn' },
    });
    return new RumeurPeer(peer);
  }

  get url(): string {
    return this.#peer.url;
  }

  set(key: string, value: BenchValue): Promise<unknown> {
    return this.#peer.set(key, { ...value });
  }

  load(rows: readonly (readonly [string, BenchValue])[]): Promise<unknown> {
    return this.#peer.setMany(rows.map(([key, value]) => [key, { ...value }]));
  }

  get(key: string): Promise<unknown> {
    return this.#peer.get(key);
  }

  keys(): number {
    return this.#peer.status().buckets['default']?.keys ?? 0;
  }

  links(): number {
    return this.#peer.getPeers().filter(({ state }) => state === 'connected').length;
  }

  watch(prefix: string, listener: (value: BenchValue) => void): void {
    const changes = this.#peer.watch({ prefix });
    void (async () => {
      for await (const { value } of changes)
        if (value !== undefined) listener(value as unknown as BenchValue);
    })();
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}
