import type { Link } from '../protocol/link.js';
import type { Core } from './core.js';
import type { Suspect } from './suspect.js';
import type { Turn } from './turn.js';
import type { Writer } from './writer.js';

/** What it weighs as a misdeed when a link's other side knows of our origin what we do not: three in a row are too many. */
const ACCUSATION = 34;

/**
 * Looks for writes of our origin that we never made, in what others cover and have dropped: once in a store's life, when
 * it has gone back to an earlier state. The origin is burnt by that; who finds such writes again and again makes them up.
 */
export class OwnOrigin {
  readonly #core: Core;
  readonly #writer: Writer;
  readonly #suspect: Suspect;

  constructor(core: Core, writer: Writer, suspect: Suspect) {
    this.#core = core;
    this.#writer = writer;
    this.#suspect = suspect;
    // What was stored shows nothing of those that we link to now.
    for (const bucket of core.buckets.values()) {
      writer.check(bucket, bucket.floor);
    }
  }

  /** After a message of the link: what has come with it is its own affair. */
  check(turn: Turn, link: Link): void {
    for (const bucket of this.#core.buckets.values()) {
      const known = [bucket.vector, bucket.floor, link.vectors.get(bucket.name)];
      const isBurnt = known.some((dots) => dots && this.#writer.check(bucket, dots));
      if (isBurnt) this.#suspect(turn, link, 'writes of our origin that we never made', ACCUSATION);
    }
  }
}
