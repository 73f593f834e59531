import type { PeerService, WriteOp, WriteResult } from '../service.js';
import type { Options } from './arguments.js';
import type { EventLimits } from './limits.js';
import type { Watches } from './watches.js';

/** What the handlers of the events see of the client that calls. */
export interface Client {
  readonly service: PeerService;
  readonly limits: EventLimits;
  readonly watches: Watches;
  /** One commit, within the bytes that one client may have under way. @throws `OVERLOADED` and the service's */
  write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]>;
  /** Any other write of so many bytes, within the same bound. */
  underWay<T>(bytes: number, write: () => Promise<T>): Promise<T>;
}

/** The members of an ack beside `ok`. */
export interface Reply {
  readonly value: unknown;
  readonly found?: boolean;
  readonly more?: true;
  /** With `more`: where the next page begins. */
  readonly after?: string;
  /** With the option `siblings`: what a write must name that has seen the values. */
  readonly context?: string | null;
}

export type Handler = (client: Client, args: readonly unknown[], options: Options) => Reply | Promise<Reply>;
