import type { LinkId, OriginId } from '../base/ids.js';

/**
 * Decides where news goes. A state machine without time or I/O, so that another strategy can take its place;
 * correctness never rests on it, as anti-entropy repairs whatever it misses.
 */
export interface Broadcast {
  linkUp(link: LinkId): void;
  linkDown(link: LinkId): void;
  /**
   * The links that get a new frame of `origin`, which came over `from` (`undefined`: written here); the others are told
   * that we have it.
   * @param hops the links that it has come over; 0 when nobody knows
   */
  targets(origin: OriginId, from: LinkId | undefined, hops: number): Iterable<LinkId>;
  /** A frame with news came over a link. */
  news(origin: OriginId, link: LinkId): void;
  /** A frame without news came over a link. @returns whether the other side is to be told to send no more of them */
  duplicate(origin: OriginId, link: LinkId): boolean;
  /** The other side wants no more frames of this origin from us. */
  prune(origin: OriginId, link: LinkId): void;
  /** Frames of this origin are to go over this link again, as something was missing on either side. */
  graft(origin: OriginId, link: LinkId): void;
}
