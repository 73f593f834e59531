import { EventEmitter } from 'node:events';
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser';

/** JSON text that goes into a packet as it stands: a stored value reaches the client with every digit. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Stands in an event's arguments for all of them when it came with binary attachments. */
export class Attachments {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }
}

/** JSON text of what we answer: plain data of our own making, in which values are JsonText. */
export function renderJson(value: unknown): string {
  if (value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map(renderJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${renderJson(member)}`).join(',')}}`;
}

/**
 * Writes packets as the default parser does. It does not walk through values in search of binary data, as the
 * default one does recursively: what is deep enough overflows its stack on the way back.
 */
export class ClientEncoder extends Encoder {
  override encode(packet: Packet): string[] {
    if (packet.type !== PacketType.EVENT && packet.type !== PacketType.ACK)
      return super.encode(packet) as string[];
    const { data, ...head } = packet as Omit<Packet, 'data'> & { data: unknown };
    const [prefix] = super.encode(head) as [string];
    return [prefix + renderJson(data)];
  }
}

/**
 * Reads packets as the default parser does, but for attachments, of which our events take none. The default one
 * keeps them in memory, puts them in place recursively, and closes the connection without a word when they are
 * too many; this one drops each as it comes, and the event arrives with `Attachments`, to be refused by name.
 */
export class ClientDecoder extends EventEmitter {
  readonly #inner = new Decoder();
  #attachments = 0;
  #toDrop = 0;

  constructor() {
    super();
    this.#inner.on('decoded', (packet: Packet) => {
      if (this.#attachments > 0) packet.data = withoutArguments(packet.data, this.#attachments);
      this.emit('decoded', packet);
    });
  }

  /** @throws Error for what is not of the protocol; Socket.IO then closes the connection. */
  add(frame: unknown): void {
    if (typeof frame !== 'string') {
      if (this.#toDrop === 0) throw new Error('binary data that no packet has announced');
      this.#toDrop--;
      return;
    }
    if (this.#toDrop > 0) throw new Error('a packet before the attachments of the last one');
    const header = /^([56])(\d{1,9})-/.exec(frame);
    this.#attachments = Number(header?.[2] ?? 0);
    this.#toDrop = this.#attachments;
    this.#inner.add(header === null ? frame : asPlainPacket(frame, header));
  }

  destroy(): void {
    this.#inner.destroy();
  }
}

/** A binary event (5) or ack (6) differs from a plain one (2, 3) in its type and the count alone. */
function asPlainPacket(frame: string, header: RegExpExecArray): string {
  if (Number(header[2]) === 0) throw new Error('a binary packet without attachments');
  return `${header[1] === '5' ? 2 : 3}${frame.slice(header[0].length)}`;
}

const withoutArguments = (data: unknown, count: number): unknown[] =>
  Array.isArray(data) ? [data[0], new Attachments(count)] : [];
