import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import type { Direction } from './transport.js';
import type { LinkId } from '../base/ids.js';
import { CLOSED, closeReasonOfCode } from './reasons.js';

/** What we need of ws's WebSocket, which lies below Engine.IO on both sides. */
export interface RawSocket {
  once(event: 'upgrade', listener: (response: IncomingMessage) => void): unknown;
  prependOnceListener(event: 'close', listener: (code: number) => void): unknown;
  terminate(): void;
  /** Bytes that the operating system has not taken yet. */
  readonly bufferedAmount: number;
}

/** What Engine.IO's sockets of both sides tell of their buffer. */
interface BufferingSocket {
  on(event: 'packetCreate', listener: (packet: { data?: { length: number } }) => void): unknown;
  on(event: 'flush', listener: () => void): unknown;
}

/** Counts what has been sent and has not left: in Engine.IO's buffer, and below it. */
export function backlogOf(engine: BufferingSocket, raw: RawSocket): () => number {
  let buffered = 0;
  engine.on('packetCreate', ({ data }) => (buffered += data?.length ?? 0));
  engine.on('flush', () => (buffered = 0));
  return () => buffered + raw.bufferedAmount;
}

/** Reports the end of `raw` to `sink`, with a better reason than Engine.IO has. */
export function reportEnd(raw: RawSocket, sink: Pick<WireSink, 'ended' | 'gone'>): void {
  raw.prependOnceListener('close', (code) => {
    sink.ended(closeReasonOfCode(code));
    // Socket.IO hands over what it has read in later ticks: let these pass first.
    setImmediate(() => sink.gone());
  });
}

/** For logs. */
export const addressOf = (socket: Socket): string =>
  `${socket.remoteAddress ?? '?'} port ${socket.remotePort ?? '?'}`;

/**
 * What may wait for the other side, in bytes. Above what the credits of a peer that reads allow: the window for pushes
 * and eight chunks, each of one value of the greatest size.
 */
const MAX_BACKLOG_BYTES = 96 * 2 ** 20;
/** What may wait for all other sides together, in bytes: several who do not read share it. */
const MAX_ALL_BYTES = 512 * 2 ** 20;
/** What may wait for one of them in any case: more than is under way to anybody who reads. */
const UNHURRIED_BYTES = 4 * 2 ** 20;

/** How much may wait for one link, in bytes, where so much waits for all. */
export const mostBacklog = (all: number, links: number): number =>
  all <= MAX_ALL_BYTES ? MAX_BACKLOG_BYTES : Math.max(UNHURRIED_BYTES, MAX_ALL_BYTES / links);

/** One connection, whichever side dialled it. */
export interface Wire {
  /** The other side's network address, for logs. */
  readonly remote: string;
  /** The bytes must stay unchanged afterwards: they are written without a copy. */
  send(bytes: Uint8Array): void;
  /** Bytes that were sent and have not left. */
  backlog(): number;
  /** Starts an orderly end: what was sent leaves first. */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
}

/** What a connection reports to its link. */
export interface WireSink {
  received(bytes: Uint8Array): void;
  /** The conversation is over; the connection may still be there. */
  ended(reason: string): void;
  /** The connection is gone and all it brought has been reported. */
  gone(): void;
}

export interface LinkOwner {
  received(link: LinkId, bytes: Uint8Array): void;
  closed(link: LinkId, reason: string): void;
}

/** A link from `opened` to `closed`: keeps the promises of TransportEvents, and ends within a bound. */
export class PeerLink implements WireSink {
  readonly id: LinkId;
  readonly direction: Direction;
  readonly #wire: Wire;
  readonly #owner: LinkOwner;
  readonly #graceMs: number;
  #reason: string | undefined;
  #deaf = false;
  #gone = false;
  #grace: NodeJS.Timeout | undefined;

  constructor(id: LinkId, direction: Direction, wire: Wire, owner: LinkOwner, graceMs: number) {
    this.id = id;
    this.direction = direction;
    this.#wire = wire;
    this.#owner = owner;
    this.#graceMs = graceMs;
  }

  /** Bytes that were sent and have not left. */
  get backlog(): number {
    return this.#gone ? 0 : this.#wire.backlog();
  }

  /** @param allBacklog bytes that wait for all links together, and how many links there are */
  send(bytes: Uint8Array, allBacklog: () => readonly [all: number, links: number]): void {
    if (this.#reason !== undefined || this.#gone) return;
    const { backlog } = this;
    const isMuch = backlog > UNHURRIED_BYTES && backlog > mostBacklog(...allBacklog());
    if (!isMuch) return this.#wire.send(bytes);
    // Nothing that waits would ever leave: an orderly end would only keep it longer.
    this.close(CLOSED.tooSlow);
    this.#wire.destroy();
  }

  /** Ends the link from our side; what still arrives is dropped. */
  close(reason: string): void {
    this.#deaf = true;
    this.ended(reason);
  }

  received(bytes: Uint8Array): void {
    if (!this.#deaf) this.#owner.received(this.id, bytes);
  }

  ended(reason: string): void {
    if (this.#reason !== undefined || this.#gone) return;
    this.#reason = reason;
    this.#grace = setTimeout(() => this.#wire.destroy(), this.#graceMs);
    this.#wire.end();
  }

  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#deaf = true;
    clearTimeout(this.#grace);
    this.#owner.closed(this.id, this.#reason ?? CLOSED.lost);
  }
}
