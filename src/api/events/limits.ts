import { RumeurError } from '../../base/errors.js';
import type { ValueLimits } from '../json.js';

export interface EventLimits extends ValueLimits {
  /** Clients connected at a time. */
  readonly clients: number;
  /** Watches of one client. */
  readonly watchesPerClient: number;
  /** Requests of one client that wait for the disk or for a peer. */
  readonly requestsPerClient: number;
  /** Bytes of one client's writes under way; and bytes of answers and changes that wait until it reads them. */
  readonly clientBufferBytes: number;
}

/** What a config need not name. */
export const DEFAULT_EVENT_LIMITS = {
  watchesPerClient: 1000,
  requestsPerClient: 10_000,
  clientBufferBytes: 16 * 2 ** 20,
} as const;

export const MAX_SET_MANY = 1000;
/** Members of one `sadd` or `srem`. */
export const MAX_MEMBERS = 1000;
export const DEFAULT_PAGE_ROWS = 1000;
export const MAX_PAGE_ROWS = 10_000;
/** A page of entries ends early at this size. */
export const MAX_PAGE_BYTES = 8 * 2 ** 20;
/** A page of keys does when so much was read for it, as their values are read too. */
export const MAX_KEYS_READ_BYTES = 32 * 2 ** 20;

/** The largest message that Socket.IO takes: some values of the greatest size at once, escapes and all. */
export const maxMessageBytes = ({ valueBytes }: ValueLimits): number => 4 * valueBytes + 2 ** 20;

/** Beyond the bound at which requests are refused, and the largest answer (raw values double in the worst case). */
export const hardBacklog = ({ clientBufferBytes, valueBytes }: EventLimits): number =>
  2 * (clientBufferBytes + Math.max(MAX_PAGE_BYTES, valueBytes));

export const overloaded = (message: string, hint: string): RumeurError =>
  new RumeurError('OVERLOADED', message, { hint });
