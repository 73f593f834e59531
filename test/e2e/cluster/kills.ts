import type { Random } from '../../../src/base/random.js';
import type { PeerProcess } from '../../tools/peer-process.js';
import type { Counts } from './counts.js';
import type { Load } from './load.js';
import type { Mesh } from './mesh.js';
import type { Kill } from './prediction.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills half of the peers at random, again and again, and restarts them. */
export class Kills {
  /** What was done, for the simulator. */
  readonly done: Kill[] = [];
  /** What those had counted that were killed. */
  readonly ended: Counts[] = [];
  /** The half that is killed. */
  readonly victims: readonly PeerProcess[];
  readonly #mesh: Mesh;
  readonly #load: Load;
  readonly #random: Random;
  readonly #down = new Set<Promise<void>>();
  readonly #busy = new Set<PeerProcess>();

  /** @param spared who must stay */
  constructor(mesh: Mesh, load: Load, random: Random, spared: readonly PeerProcess[]) {
    this.victims = mesh.peers.filter((peer) => !spared.includes(peer)).slice(0, mesh.peers.length >> 1);
    this.#mesh = mesh;
    this.#load = load;
    this.#random = random;
  }

  /** One kill each `everyMs` on average, until the time is over; resolves when all are back. */
  async run(everyMs: number, ms: number): Promise<void> {
    const from = performance.now();
    for (;;) {
      await pause(everyMs * (0.5 + this.#random.float()));
      const afterMs = performance.now() - from;
      if (afterMs >= ms) break;
      const victim = this.#random.pick(this.victims.filter((peer) => !this.#busy.has(peer)));
      if (!victim) continue;
      // One in ten is away for so long that it is announced down.
      const forMs = this.#random.float() < 0.1 ? 20_000 : 300 + this.#random.float() * 4000;
      const back = this.#kill(victim, afterMs, Math.min(forMs, ms - afterMs)).finally(() =>
        this.#down.delete(back),
      );
      this.#down.add(back);
    }
    await Promise.all(this.#down);
  }

  async #kill(peer: PeerProcess, afterMs: number, forMs: number): Promise<void> {
    this.#busy.add(peer);
    const { counters } = await peer.status();
    const from = performance.now();
    await peer.kill('SIGKILL');
    this.ended.push(counters);
    await pause(forMs);
    await peer.start();
    await this.#load.attach(peer);
    this.done.push({ place: this.#mesh.peers.indexOf(peer), afterMs, forMs: performance.now() - from });
    this.#busy.delete(peer);
  }
}
