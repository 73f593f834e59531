import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nanoid } from 'nanoid';
import { Server, type Socket as ServerSocket } from 'socket.io';
import { io, type Socket as ClientSocket } from 'socket.io-client';
import type { BenchValue } from '../data.js';
import type { ReconnectingPeer } from './peer.js';

interface SetMessage {
  readonly id: string;
  readonly key: string;
  readonly value: BenchValue;
}

type AnySocket = ServerSocket | ClientSocket;
type Data = Record<string, BenchValue>;

/** Everything travels in one message on connect. */
const MAX_MESSAGE_BYTES = 1e9;

/**
 * The yardstick: what one writes after the tutorial. Socket.IO servers connected pairwise, an object in memory, each
 * `set` flooded as JSON with a message id that everybody remembers, everything pulled from each neighbour on connect.
 * No disk, no clocks, no order: concurrent writes to one key do not converge.
 */
export class PlainPeer implements ReconnectingPeer {
  readonly url: string;
  readonly #server: Server;
  readonly #clients: ClientSocket[] = [];
  readonly #sockets = new Set<AnySocket>();
  readonly #seen = new Set<string>();
  readonly #data: Data = {};
  readonly #watches: { prefix: string; listener: (value: BenchValue) => void }[] = [];
  #keys = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on('connection', (socket) => this.#wire(socket));
  }

  static async open(peers: readonly string[]): Promise<PlainPeer> {
    const http = createServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    const options = { transports: ['websocket' as const], maxHttpBufferSize: MAX_MESSAGE_BYTES };
    const peer = new PlainPeer(new Server(http, options), (http.address() as AddressInfo).port);
    for (const url of peers) peer.#dial(url);
    return peer;
  }

  #dial(url: string): void {
    const socket = io(url, { transports: ['websocket'], forceNew: true });
    this.#clients.push(socket);
    this.#answer(socket);
    socket.on('connect', () => {
      this.#sockets.add(socket);
      this.#pull(socket);
    });
  }

  #wire(socket: ServerSocket): void {
    this.#sockets.add(socket);
    this.#answer(socket);
  }

  #answer(socket: AnySocket): void {
    socket.on('set', (message: SetMessage) => this.#apply(message, socket));
    socket.on('all', (reply: (data: Data) => void) => reply(this.#data));
    socket.on('disconnect', () => this.#sockets.delete(socket));
  }

  #pull(socket: ClientSocket): void {
    socket.emit('all', (data: Data) => {
      for (const [key, value] of Object.entries(data)) this.#store(key, value);
    });
  }

  #apply(message: SetMessage, from?: AnySocket): void {
    if (this.#seen.has(message.id)) return;
    this.#seen.add(message.id);
    this.#store(message.key, message.value);
    for (const socket of this.#sockets) if (socket !== from) socket.emit('set', message);
  }

  #store(key: string, value: BenchValue): void {
    if (!(key in this.#data)) this.#keys++;
    this.#data[key] = value;
    for (const { prefix, listener } of this.#watches) if (key.startsWith(prefix)) listener(value);
  }

  set(key: string, value: BenchValue): undefined {
    this.#apply({ id: nanoid(), key, value });
  }

  load(rows: readonly (readonly [string, BenchValue])[]): undefined {
    for (const [key, value] of rows) this.set(key, value);
  }

  get(key: string): Promise<unknown> {
    return Promise.resolve(this.#data[key]);
  }

  keys(): number {
    return this.#keys;
  }

  links(): number {
    return this.#sockets.size;
  }

  watch(prefix: string, listener: (value: BenchValue) => void): void {
    this.#watches.push({ prefix, listener });
  }

  disconnect(): void {
    for (const client of this.#clients) client.disconnect();
  }

  reconnect(): void {
    for (const client of this.#clients) client.connect();
  }

  async close(): Promise<void> {
    this.disconnect();
    await this.#server.close();
  }
}
