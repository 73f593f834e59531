import type { Socket } from 'socket.io';
import { type ErrorBody, toRumeurError, type RumeurError } from '../../base/errors.js';
import { sizeOfOp } from '../../data/op.js';
import type { PeerService, WriteOp, WriteResult } from '../service.js';
import { parseCall } from './arguments.js';
import type { Client, Reply } from './client.js';
import { type EventLimits, hardBacklog, overloaded } from './limits.js';
import { Outbox } from './outbox.js';
import { findEvent } from './table.js';
import { Watches } from './watches.js';

/** What the connections of one server share. */
export interface Shared {
  readonly service: PeerService;
  readonly limits: EventLimits;
  /** Told of errors that are no client's fault. */
  report(error: RumeurError, event: string): void;
  /** Requests that are under way, over all connections. */
  readonly pending: Set<Promise<void>>;
  stopping: boolean;
}

type Ack = (body: object) => void;

/** One client: takes its events one by one, and answers each, by its ack or by `failed`. */
export class Connection implements Client {
  readonly service: PeerService;
  readonly limits: EventLimits;
  readonly watches: Watches;
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  #requests = 0;
  #bytes = 0;

  constructor(socket: Socket, shared: Shared) {
    this.service = shared.service;
    this.limits = shared.limits;
    this.#shared = shared;
    this.#socket = socket;
    const outbox = new Outbox(socket.conn);
    this.#outbox = outbox;
    this.watches = new Watches(this.service, this.limits, {
      get backlog() {
        return outbox.size;
      },
      change: (body) => socket.emit('change', body),
      failed: (body) => socket.emit('failed', body),
      broken: (thrown, event, id) =>
        socket.emit('failed', { event, id, error: this.#errorBody(thrown, event) }),
    });
    socket.onAny((...packet: unknown[]) => this.#receive(packet));
    socket.on('disconnect', () => this.watches.stopAll());
  }

  write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]> {
    const bytes = ops.reduce((total, op) => total + sizeOfOp(op), 0);
    return this.underWay(bytes, () => this.service.write(bucket, ops));
  }

  async underWay<T>(bytes: number, write: () => Promise<T>): Promise<T> {
    const { clientBufferBytes } = this.limits;
    // A write larger than the bound is let through alone.
    if (this.#bytes > 0 && this.#bytes + bytes > clientBufferBytes) {
      throw overloaded(
        `this client has ${this.#bytes} bytes of writes under way, the limit is ${clientBufferBytes}`,
        'wait for the acks of some of them',
      );
    }
    this.#bytes += bytes;
    try {
      return await write();
    } finally {
      this.#bytes -= bytes;
    }
  }

  #receive(packet: readonly unknown[]): void {
    // Packets that came in one piece with the client's goodbye.
    if (!this.#socket.connected) return;
    const last = packet.at(-1);
    const ack = typeof last === 'function' ? (last as Ack) : undefined;
    const [event, ...given] = ack === undefined ? packet : packet.slice(0, -1);
    const name = typeof event === 'string' ? event.slice(0, 64) : String(event);
    try {
      this.#admit();
      const spec = findEvent(event);
      const { args, options } = parseCall(spec, given);
      const reply = spec.run(this, args, options);
      if (reply instanceof Promise) this.#await(reply, name, ack);
      else ack?.({ ok: true, ...reply });
    } catch (thrown) {
      this.#fail(thrown, name, ack);
    }
  }

  /** @throws `OVERLOADED` */
  #admit(): void {
    const { requestsPerClient, clientBufferBytes } = this.limits;
    const backlog = this.#outbox.size;
    // Even refusals pile up for a client that never reads.
    if (backlog > hardBacklog(this.limits)) this.#socket.conn.close(true);
    if (backlog > clientBufferBytes) {
      throw overloaded(
        `${backlog} bytes of answers wait for this client`,
        'read them before asking for more',
      );
    }
    if (this.#requests >= requestsPerClient) {
      const message = `this client has ${requestsPerClient} requests under way, which is the limit`;
      throw overloaded(message, 'wait for the acks of some of them');
    }
    if (this.#shared.stopping) throw overloaded('this peer is stopping', 'go on with another peer');
  }

  #await(reply: Promise<Reply>, name: string, ack: Ack | undefined): void {
    this.#requests++;
    const done: Promise<void> = reply
      .then((body) => ack?.({ ok: true, ...body }))
      .catch((thrown: unknown) => this.#fail(thrown, name, ack))
      .finally(() => {
        this.#requests--;
        this.#shared.pending.delete(done);
      });
    this.#shared.pending.add(done);
  }

  #fail(thrown: unknown, event: string, ack: Ack | undefined): void {
    const error = this.#errorBody(thrown, event);
    if (ack !== undefined) ack({ ok: false, error });
    else this.#socket.emit('failed', { event, error });
  }

  #errorBody(thrown: unknown, event: string): ErrorBody {
    const error = toRumeurError(thrown);
    if (error.code === 'INTERNAL') this.#shared.report(error, event);
    return error.toBody();
  }
}
