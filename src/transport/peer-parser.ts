import { EventEmitter } from 'node:events';

/**
 * How Socket.IO packets between peers look on the wire: one message is one binary WebSocket frame with
 * nothing around it; control packets are Socket.IO's usual text, `0` (connect), `1` (disconnect) and `4`
 * (connect error), of the main namespace only. Everything else is refused by throwing, on which Socket.IO
 * closes the connection: no namespaces, acks, attachments, other events, or values to parse in depth.
 */
const CONNECT = 0;
const DISCONNECT = 1;
const EVENT = 2;
const CONNECT_ERROR = 4;

const CONTROL_TYPES: ReadonlyMap<string, number> = new Map([
  ['0', CONNECT],
  ['1', DISCONNECT],
  ['4', CONNECT_ERROR],
]);

/** The one event of peers; the name itself does not travel. */
export const MESSAGE = 'm';

/** A control packet carries a session id or an error text. */
const LONGEST_CONTROL = 1024;

interface Packet {
  readonly type: number;
  readonly nsp: string;
  readonly data?: unknown;
}

class Encoder {
  encode(packet: Packet): (string | Uint8Array)[] {
    if (packet.type === EVENT) return [(packet.data as [string, Uint8Array])[1]];
    return [`${packet.type}${packet.data === undefined ? '' : JSON.stringify(packet.data)}`];
  }
}

/** One a connection. */
class Decoder extends EventEmitter {
  #connected = false;

  add(chunk: unknown): void {
    this.emit('decoded', typeof chunk === 'string' ? this.#control(chunk) : this.#message(chunk));
  }

  destroy(): void {
    // Nothing is kept between packets.
  }

  #message(chunk: unknown): Packet {
    if (!this.#connected || !(chunk instanceof Uint8Array)) throw new Error('message before the connection');
    return { type: EVENT, nsp: '/', data: [MESSAGE, chunk] };
  }

  #control(text: string): Packet {
    const type = CONTROL_TYPES.get(text.charAt(0));
    if (type === undefined || text.length > LONGEST_CONTROL) throw new Error('unexpected control packet');
    if (type === CONNECT) {
      // A second one would become a second Socket.IO socket, hence a second link, on one connection.
      if (this.#connected) throw new Error('second connect');
      this.#connected = true;
    }
    if (text.length === 1 && type !== CONNECT_ERROR) return { type, nsp: '/' };
    const data: unknown = JSON.parse(text.slice(1));
    const isObject = typeof data === 'object' && data !== null;
    if (!isObject || type === DISCONNECT) throw new Error('malformed control packet');
    return { type, nsp: '/', data };
  }
}

export const peerParser = { Encoder, Decoder };
