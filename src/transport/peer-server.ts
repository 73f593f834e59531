import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';

import type { Wire, WireSink } from './peer-link.js';
import { peerParser, MESSAGE } from './peer-parser.js';
import { CLOSED, DIAL_FAILED, closeReasonOf } from './reasons.js';

/** Where peers meet; clients have Socket.IO's default path and parser. */
export const PEERS_PATH = '/rumeur/';

/** How long a connection may stay without becoming a link. */
const CONNECT_TIMEOUT_MS = 5000;
/** Connections beyond `maxLinks` that may wait to be told so. */
const SPARE_CONNECTIONS = 16;

export interface PeerServerOptions {
  maxMessageBytes: number;
  maxLinks: number;
  /** Whether one more incoming link may be opened. */
  hasRoom(): boolean;
  /** Opens a link on a connection. */
  open(wire: Wire): WireSink;
}

/** The side of the transport that is dialled. `inner` must be reached through the guard only. */
export function createPeerServer(inner: HttpServer, options: PeerServerOptions): Server {
  const io = new Server({
    path: PEERS_PATH,
    parser: peerParser,
    transports: ['websocket'],
    allowUpgrades: false,
    serveClient: false,
    perMessageDeflate: false,
    maxHttpBufferSize: options.maxMessageBytes,
    connectTimeout: CONNECT_TIMEOUT_MS,
    destroyUpgrade: false,
    allowRequest: (_request, decide) => {
      const room = io.engine.clientsCount < options.maxLinks + SPARE_CONNECTIONS;
      decide(room ? null : DIAL_FAILED.tooManyLinks, room);
    },
  });
  io.use((_socket, next) => {
    next(options.hasRoom() ? undefined : new Error(DIAL_FAILED.tooManyLinks));
  });
  io.on('connection', (socket) => {
    const raw = socket.request.socket;
    const sink = options.open({
      remote: `${raw.remoteAddress ?? '?'} port ${raw.remotePort ?? '?'}`,
      send: (bytes) => socket.emit(MESSAGE, bytes),
      // Not Socket.IO's disconnect: its packet overtakes events that the other side has yet to dispatch.
      end: () => socket.conn.close(),
      destroy: () => raw.destroy(),
    });
    // Ordinary listeners run a tick later, and not at all when a disconnect came in between.
    socket.onAny((_event: string, bytes: Uint8Array) => sink.received(bytes));
    socket.on('error', () => sink.ended(CLOSED.badMessage));
    socket.on('disconnect', (reason, details) => sink.ended(closeReasonOf(reason, details)));
    // Socket.IO hands over what it has read in later ticks: let these pass first.
    raw.once('close', () => setImmediate(() => sink.gone()));
  });
  io.attach(inner);
  return io;
}
