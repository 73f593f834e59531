import type { Socket } from 'socket.io';

interface OutgoingPacket {
  readonly data?: string;
}

/**
 * How much waits to be sent to one client. Engine.IO hands its buffer to the transport as one batch, and the next
 * only after that has left; so what waits is the buffer, and the batch while the transport is not writable.
 */
export class Outbox {
  readonly #connection: Socket['conn'];
  #buffered = 0;
  #leaving = 0;

  constructor(connection: Socket['conn']) {
    this.#connection = connection;
    connection.on('packetCreate', (packet: OutgoingPacket) => {
      this.#buffered += packet.data?.length ?? 0;
    });
    connection.on('flush', () => {
      this.#leaving = this.#buffered;
      this.#buffered = 0;
    });
  }

  /** In characters, about bytes. */
  get size(): number {
    return this.#buffered + (this.#connection.transport.writable ? 0 : this.#leaving);
  }
}
