/**
 * Rumeur: a peer-to-peer gossip database over Socket.IO.
 *
 * @packageDocumentation
 */
export { Peer } from './api/peer.js';
export type {
  AsJson,
  BucketOption,
  Deleted,
  Json,
  KeyExplanation,
  KeyValue,
  OpenOptions,
  PeerChange,
  RangeOptions,
  SiblingValues,
  WriteOptions,
  Written,
} from './api/peer-types.js';
export type {
  BucketInfo,
  BucketLag,
  BucketStatus,
  Counted,
  DiskStatus,
  HeldBy,
  PeerInfo,
  PeerState,
  PeerSync,
  Status,
  SyncCheck,
} from './api/service.js';
export type { ExplainedArrival, ExplainedWrite, PeerName, ReplacedWrite } from './api/explanation.js';
export type { BucketComparison, DifferentWrite, VerifyOptions } from './api/comparison.js';
export type { BucketPolicy } from './api/bucket-policy.js';
export { VERSION } from './runtime/version.js';
export { type ErrorBody, type ErrorCode, RumeurError } from './base/errors.js';
export type { PeerId } from './base/ids.js';
export type { Direction } from './transport/transport.js';
export type { AddressSource } from './protocol/address-book.js';
export type { ConfigInput } from './config/config.js';
