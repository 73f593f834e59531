import type { LinkId } from '../base/ids.js';

/** Who dialled: the other side (`in`) or we (`out`). */
export type Direction = 'in' | 'out';

/** What a transport reports. A link reports `opened` once, then messages in order, then `closed` once. */
export interface TransportEvents {
  /** `url` is what was dialled, for links that we dialled. `remote` is the other side's network address, for logs. */
  opened(link: LinkId, direction: Direction, remote: string, url?: string): void;
  received(link: LinkId, bytes: Uint8Array): void;
  closed(link: LinkId, reason: string): void;
  /** A dial that came to nothing; no link was opened. `url` as given to `dial`. */
  dialFailed(url: string, reason: string): void;
}

/**
 * Carries whole messages in order over links between peers. It neither reads them nor redials: the replica
 * decides whom to dial and when.
 */
export interface Transport {
  /** Starts one attempt; ends in `opened` or `dialFailed`. At most one attempt per url is under way. */
  dial(url: string): void;
  /** Messages to links that are gone are dropped: their `closed` is on its way. */
  send(link: LinkId, bytes: Uint8Array): void;
  /** Closes after what was sent has left; `closed` follows. */
  close(link: LinkId, reason: string): void;
  /** Closes every link and stops accepting and dialling. */
  stop(): Promise<void>;
}
