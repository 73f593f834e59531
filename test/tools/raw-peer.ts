import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { nanoid } from 'nanoid';
import { WebSocket } from 'ws';
import type { BucketName, PeerId, SessionId } from '../../src/base/ids.js';
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.js';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../src/protocol/limits.js';
import type { Hello, Message } from '../../src/protocol/messages.js';
import { eventually } from './eventually.js';

/**
 * The other end of a link without a peer behind it: it says what the test wants, in whatever order, and keeps what it
 * hears. Raw WebSocket below, as docs/PROTOCOL.md describes it.
 */
export class RawPeer {
  /** What has arrived, in order. */
  readonly heard: Message[] = [];
  readonly id: PeerId;
  closed = false;
  readonly #ws: WebSocket;

  private constructor(ws: WebSocket, id: PeerId) {
    this.#ws = ws;
    this.id = id;
    ws.on('error', () => undefined);
    ws.on('close', () => (this.closed = true));
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.heard.push(decodeMessage(data));
      // Engine.IO's ping.
      else if (data.toString() === '2') ws.send('3');
    });
  }

  /** Opens a link on which nothing has been said yet. */
  static async dial(url: string, id: PeerId = nanoid<PeerId>()): Promise<RawPeer> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/rumeur/?EIO=4&transport=websocket`);
    const raw = new RawPeer(ws, id);
    await once(ws, 'message');
    ws.send('40');
    await once(ws, 'message');
    return raw;
  }

  /** Opens a link and introduces itself; resolves with the other side's HELLO heard. */
  static async join(url: string, hello: Partial<Hello> = {}): Promise<RawPeer> {
    const raw = await RawPeer.dial(url, hello.peer);
    raw.send(raw.hello(hello));
    await raw.hears('hello');
    return raw;
  }

  hello(changes: Partial<Hello> = {}): Hello {
    return RawPeer.introduction({ peer: this.id, ...changes });
  }

  /** A sound HELLO of a peer that covers something else than anybody. */
  static introduction(changes: Partial<Hello> = {}): Hello {
    const hashes = { vectorHash: randomBytes(16), stateHash: randomBytes(16) };
    return {
      type: 'hello',
      protocol: [PROTOCOL_MIN, PROTOCOL_MAX],
      cluster: 'rumeur',
      peer: nanoid<PeerId>(),
      session: nanoid<SessionId>(),
      name: 'raw',
      url: null,
      clock: Date.now(),
      version: '0',
      buckets: [{ bucket: 'default' as BucketName, policy: 'lww', ...hashes }],
      links: 0,
      crowd: 0,
      ...changes,
    };
  }

  send(message: Message): void {
    this.sendBytes(encodeMessage(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#ws.send(bytes);
  }

  /** Waits for a message of that type, which may have come already; gives the last one. */
  async hears<T extends Message['type']>(type: T): Promise<Extract<Message, { type: T }>> {
    const found = await eventually(`the raw peer hears ${type}`, () =>
      this.heard.findLast((message) => message.type === type),
    );
    return found as Extract<Message, { type: T }>;
  }

  /** Reads nothing from here on: what the other side sends piles up there once the kernel's buffers are full. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Reads what has piled up meanwhile, and what comes. */
  readOn(): void {
    this.#socket.resume();
  }

  async ends(): Promise<void> {
    await eventually('the other side closes the link', () => this.closed);
  }

  /** Bytes that wait to be sent: a test that sends much has to wait now and then. */
  get backlog(): number {
    return this.#ws.bufferedAmount;
  }

  destroy(): void {
    this.#ws.terminate();
  }

  get #socket(): Socket {
    return (this.#ws as unknown as { _socket: Socket })._socket;
  }
}
