import { setTimeout as wait } from 'node:timers/promises';
import type { Status } from '../../src/api/service.js';
import { RumeurError } from '../../src/base/errors.js';
import type { PeerProcess } from './peer-process.js';
import type { Progress } from './screen.js';
import type { Stage } from './stage.js';

const EVERY_MS = 50;

export interface Sight {
  readonly keys: number;
  readonly hash: string;
  /** When the peer was first seen with this hash, by `performance.now()`. */
  readonly since: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** Asks all peers for their status again and again, and remembers since when each shows what it shows. */
export class Observer {
  readonly #stage: Stage;
  readonly #show: (peers: readonly Progress[]) => void;
  readonly #sights = new Map<PeerProcess, Sight>();
  readonly #stopping = new AbortController();

  constructor(stage: Stage, show: (peers: readonly Progress[]) => void) {
    this.#stage = stage;
    this.#show = show;
  }

  /** Looks until `stop`. @throws Error when a peer that should run does not answer */
  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await Promise.all(this.#stage.peers.filter(({ alive }) => alive).map((peer) => this.#look(peer)));
      this.#show(this.#stage.peers.map((peer) => this.#progressOf(peer)));
      await wait(EVERY_MS);
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** What a peer showed last. */
  sight(peer: PeerProcess): Sight | undefined {
    return this.#sights.get(peer);
  }

  /** Resolves when one peer shows so many keys. @throws Error when it does not in time */
  holds(peer: PeerProcess, keys: number, withinMs: number): Promise<void> {
    return this.#until(() => this.#sights.get(peer)?.keys === keys, withinMs);
  }

  /** Resolves when all peers show so many keys and one hash. @throws Error when they do not in time */
  agreement(keys: number, withinMs: number): Promise<void> {
    return this.#until(() => this.#agree(keys), withinMs);
  }

  async #until(reached: () => boolean, withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (!reached()) {
      if (performance.now() > until) {
        throw new Error(`not all there after ${withinMs / 1000} s:\n${this.#differences()}`);
      }
      await wait(EVERY_MS);
    }
  }

  #agree(keys: number): boolean {
    const sights = this.#stage.peers.map((peer) => this.#sights.get(peer));
    const [first] = sights;
    return sights.every((sight) => sight?.keys === keys && sight.hash === first?.hash);
  }

  #differences(): string {
    return this.#stage.peers
      .map((peer) => {
        const sight = this.#sights.get(peer);
        return `  ${peer.name}: ${sight ? `${sight.keys} keys, hash ${sight.hash}` : 'not seen'}`;
      })
      .join('\n');
  }

  async #look(peer: PeerProcess): Promise<void> {
    let status: Status;
    try {
      status = await peer.status();
    } catch (error) {
      // It was killed while it was asked.
      if (!peer.alive && error instanceof RumeurError) return;
      throw error;
    }
    const { keys = 0, hash = '' } = status.buckets['default'] ?? {};
    const former = this.#sights.get(peer);
    const since = former?.hash === hash ? former.since : performance.now();
    this.#sights.set(peer, { keys, hash, since, counters: status.counters });
  }

  #progressOf(peer: PeerProcess): Progress {
    const note = peer.alive ? '' : 'killed';
    return { name: peer.name, keys: this.#sights.get(peer)?.keys ?? 0, note };
  }
}
