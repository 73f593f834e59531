import type { PeerId } from '../base/ids.js';

/** How an address came to us: the config's `peers`, an `addPeer`, or another peer's word. */
export type AddressSource = 'config' | 'added' | 'gossip';

/** One remembered address. `removed` keeps an address and the peer behind it out until it is added again. */
export interface AddressRecord {
  readonly url: string;
  readonly source: AddressSource;
  /** The peer last met there. */
  readonly id?: PeerId;
  readonly name?: string;
  readonly removed?: true;
}
