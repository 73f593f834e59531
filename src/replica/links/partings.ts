import type { BucketName, PeerId } from '../../base/ids.js';
import { RecentMap } from '../../base/recent-map.js';
import type { VersionVector } from '../../data/version-vector.js';
import type { Link } from '../../protocol/link.js';
import { type Core } from '../core.js';
import { isLevel } from '../known.js';
import type { Turn } from '../turn.js';
import { unconfirmedOn } from './unconfirmed.js';

/** Peers that are remembered, at least; of more than a mesh has, announcements tell enough. */
const REMEMBERED = 32;

/** What was known of a peer when its last link ended. */
export interface Parting {
  /** By our wall clock, milliseconds since 1970. */
  readonly at: number;
  /** What it covered of those buckets that it was compared in. */
  readonly vectors: ReadonlyMap<BucketName, VersionVector>;
  /** Operations that came here after it had last answered, and may not have got there. */
  readonly unconfirmed: number;
}

/** How things stood with the peers that we lately had a link to: what they announced may be much older. */
export class Partings {
  readonly #core: Core;
  readonly #last = new RecentMap<PeerId, Parting>(REMEMBERED);

  constructor(core: Core) {
    this.#core = core;
  }

  of(peer: PeerId): Parting | undefined {
    return this.#last.get(peer);
  }

  /** The last link to a peer has ended; what it knew is ours to keep. */
  linkDown(turn: Turn, link: Link): void {
    if (!link.hello) return;
    const vectors = new Map<BucketName, VersionVector>();
    for (const bucket of this.#core.buckets.values()) {
      const known = link.vectors.get(bucket.name);
      if (!known || link.refused.has(bucket.name)) continue;
      if (isLevel(link, bucket)) known.merge(bucket.vector);
      vectors.set(bucket.name, known);
    }
    const unconfirmed = unconfirmedOn(this.#core, link);
    this.#last.set(link.hello.peer, { at: turn.wall, vectors, unconfirmed });
  }
}
