/**
 * Rumeur: a peer-to-peer gossip database over Socket.IO.
 *
 * @packageDocumentation
 */
export { Peer } from './api/peer.js';
export type {
  BucketOption,
  Deleted,
  Json,
  KeyValue,
  OpenOptions,
  PeerChange,
  RangeOptions,
  Written,
} from './api/peer.js';
export type { BucketStatus, PeerInfo, PeerState, PeerSync, Status } from './api/service.js';
export { VERSION } from './runtime/version.js';
export { type ErrorBody, type ErrorCode, RumeurError } from './base/errors.js';
export type { PeerId } from './base/ids.js';
export type { Direction } from './transport/transport.js';
export type { AddressSource } from './protocol/address-book.js';
export type { ConfigInput } from './config/config.js';
