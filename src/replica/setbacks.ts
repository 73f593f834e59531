import type { PeerId } from '../base/ids.js';
import type { Link } from '../protocol/link.js';

/** Who has failed once stands back for this long, milliseconds; twice as long each further time, up to the longest. */
const FIRST_MS = 60_000;
const LONGEST_MS = 960_000;
/** Failures count for this long after the time of standing back is over, milliseconds. */
const REMEMBERED_MS = 3_600_000;
/** Peers that are remembered at most: those that failed longest ago go first. */
const MOST_PEERS = 1024;

interface Setback {
  readonly failures: number;
  readonly until: number;
}

/**
 * The peers that were asked for a bucket's data and brought nothing, or kept others waiting: for a while they are asked
 * after all others. By peer, as whoever fails could dial again. Nobody is left out: what only they have is still had.
 */
export class Setbacks {
  readonly #byPeer = new Map<PeerId, Setback>();

  add({ hello }: Link, now: number): void {
    if (!hello) return;
    const failures = this.#failuresOf(hello.peer, now) + 1;
    const until = now + Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
    this.#byPeer.delete(hello.peer);
    this.#byPeer.set(hello.peer, { failures, until });
    for (const oldest of this.#byPeer.keys()) {
      if (this.#byPeer.size <= MOST_PEERS) break;
      this.#byPeer.delete(oldest);
    }
  }

  #failuresOf(peer: PeerId, now: number): number {
    const known = this.#byPeer.get(peer);
    return known && now < known.until + REMEMBERED_MS ? known.failures : 0;
  }

  /** How far back the peer stands now: its failures, 0 when its time is over. */
  rank({ hello }: Link, now: number): number {
    const known = hello && this.#byPeer.get(hello.peer);
    return known && now < known.until ? known.failures : 0;
  }
}
