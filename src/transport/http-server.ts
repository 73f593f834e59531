import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { toRumeurError, type ErrorBody, type RumeurError } from '../base/errors.js';
import { createGuard, MAX_HEADERS, type Guard, type GuardOptions } from './guard.js';
import { listenError } from './listen-error.js';

export interface GuardedHttpServerOptions extends GuardOptions {
  /** Shown at `/`. */
  name: string;
  /** Connections at most, of peers, clients and others together; one more is closed at once. Default 1,200. */
  maxConnections?: number;
  /** How long open connections may take to end by themselves in `close`. Default 300. */
  closeGraceMs?: number;
  /** An error that no caller waits for, as when the system runs out of file descriptors. For the log. */
  onError?: (error: RumeurError) => void;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_HEADER_BYTES = 16_384;

/**
 * The one HTTP server of a peer. Every request and upgrade passes the guard first, then goes to whom its path
 * is mounted for. Socket.IO's own `allowRequest` would miss its client bundle and answers upgrades with 400.
 */
export class GuardedHttpServer {
  readonly #server: Server;
  readonly #guard: Guard;
  readonly #mounts: { readonly path: string; inner: Server | undefined }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #name: string;
  readonly #closeGraceMs: number;
  readonly #onError: (error: RumeurError) => void;
  #closed: Promise<void> | undefined;

  constructor(options: GuardedHttpServerOptions) {
    this.#guard = createGuard(options);
    this.#name = options.name;
    this.#closeGraceMs = options.closeGraceMs ?? 300;
    this.#onError = options.onError ?? (() => undefined);
    this.#server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    // Node leaves out the fields beyond without a word: one more than the guard takes, so that it notices.
    this.#server.maxHeadersCount = MAX_HEADERS + 1;
    this.#server.maxConnections = options.maxConnections ?? 1200;
    this.#server.on('connection', (socket) => this.#track(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /**
   * A server that never listens and gets what comes for `path`, behind the guard: attach Socket.IO, or listen
   * to its `request` and `upgrade`. One for each, because each Engine.IO ends upgrades that it does not know.
   *
   * @param path with a slash at both ends; the longest that fits a request gets it. Of several servers for one path the
   * last one gets it.
   */
  mount(path: string): Server {
    const inner = createServer();
    const mounted = this.#mounts.find((mount) => mount.path === path);
    if (mounted) mounted.inner = inner;
    else this.#mounts.push({ path, inner });
    this.#mounts.sort((a, b) => b.path.length - a.path.length);
    return inner;
  }

  /** What comes for the path is answered with 503, until it is mounted again; open connections stay. */
  unmount(path: string): void {
    const mounted = this.#mounts.find((mount) => mount.path === path);
    if (mounted) mounted.inner = undefined;
  }

  /**
   * @param port 0 lets the system choose.
   * @returns the actual port.
   * @throws RumeurError `IN_USE` if the port is taken, `CONFIG_INVALID` if host or port cannot be used.
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const onFailure = (error: Error): void => reject(listenError(error, host, port));
      this.#server.once('error', onFailure);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onFailure);
        this.#server.on('error', (error) => this.#onError(toRumeurError(error)));
        resolve(this.port);
      });
    });
  }

  /** The actual port while listening, else 0. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Stops listening and ends every connection, whatever state it is in, soon after `closeGraceMs`. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      const grace = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, this.#closeGraceMs);
      // The argument says that the server was not listening, which is as well.
      this.#server.close(() => {
        clearTimeout(grace);
        resolve();
      });
    });
    return this.#closed;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Every error is followed by close; without a listener one on an upgraded socket would end the process.
    socket.on('error', () => undefined);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const verdict = this.#guard(request.rawHeaders);
    if (!verdict.ok) {
      response.setHeader('connection', 'close');
      answerError(response, verdict.status, forbidden(verdict.reason, verdict.hint));
      return;
    }
    try {
      const mount = this.#mountFor(request);
      if (mount && !mount.inner) return answerError(response, 503, NOT_READY);
      if (mount?.inner?.emit('request', request, response) === true) return;
    } catch (error) {
      this.#onError(toRumeurError(error));
      if (response.headersSent) response.destroy();
      else answerError(response, 500, { code: 'INTERNAL', message: 'the request could not be handled' });
      return;
    }
    if (request.url === '/' && (request.method === 'GET' || request.method === 'HEAD'))
      this.#greet(request, response);
    else answerError(response, 404, notFound(request));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const verdict = this.#guard(request.rawHeaders);
    if (!verdict.ok) {
      endUpgrade(socket, verdict.status, forbidden(verdict.reason, verdict.hint));
      return;
    }
    try {
      const mount = this.#mountFor(request);
      if (mount && !mount.inner) return endUpgrade(socket, 503, NOT_READY);
      if (mount?.inner?.emit('upgrade', request, socket, head) === true) return;
    } catch (error) {
      this.#onError(toRumeurError(error));
      socket.destroy();
      return;
    }
    endUpgrade(socket, 404, notFound(request));
  }

  #mountFor({ url }: IncomingMessage): { readonly inner: Server | undefined } | undefined {
    return this.#mounts.find(({ path }) => url?.startsWith(path));
  }

  #greet(request: IncomingMessage, response: ServerResponse): void {
    const url = `http://${request.headers.host ?? 'localhost'}`;
    const text = [
      `This is Rumeur, a peer-to-peer gossip database; this peer is called ${this.#name}.`,
      `Clients connect with Socket.IO to ${url} (default path), for example: node cli.js --url ${url} status`,
      `Other peers name ${url} in their config.`,
    ];
    response.writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    response.end(`${text.join('\n')}\n`);
  }
}

const forbidden = (reason: string, hint: string): ErrorBody => ({
  code: 'FORBIDDEN',
  message: `this peer refuses the request: ${reason}`,
  hint,
});

const notFound = (request: IncomingMessage): ErrorBody => ({
  code: 'NOT_FOUND',
  message: `nothing is at ${JSON.stringify(request.url?.slice(0, 100) ?? '')}`,
  hint: 'clients connect with Socket.IO, at its default path',
});

const NOT_READY: ErrorBody = {
  code: 'PEER_UNREACHABLE',
  message: 'this peer takes no links at present: it starts, stops or waits for its disk',
  hint: 'try again later',
};

const jsonOf = (error: ErrorBody): string => `${JSON.stringify({ ok: false, error })}\n`;

function answerError(response: ServerResponse, status: number, error: ErrorBody): void {
  const body = jsonOf(error);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
  // What is left of the request's body would otherwise keep the connection from its end.
  response.req.resume();
}

function endUpgrade(socket: Duplex, status: number, error: ErrorBody): void {
  const body = jsonOf(error);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  // The other side may never close: do not wait for it.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
