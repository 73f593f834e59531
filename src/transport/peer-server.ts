import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';

import { addressOf, backlogOf, reportEnd, type RawSocket, type Wire, type WireSink } from './peer-link.js';
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
    // Engine.IO keeps it there, typed on the server's side only.
    const { websocket: raw } = socket.conn.request as IncomingMessage & { websocket: RawSocket };
    const backlog = backlogOf(socket.conn, raw);
    const sink = options.open({
      remote: addressOf(socket.request.socket),
      send: (bytes) => socket.emit(MESSAGE, bytes),
      backlog,
      // Not Socket.IO's disconnect: its packet overtakes messages at a Socket.IO that dispatches them a tick later.
      end: () => socket.conn.close(),
      destroy: () => raw.terminate(),
    });
    // Ordinary listeners run a tick later, and not at all when a disconnect came in between.
    socket.onAny((_event: string, bytes: Uint8Array) => sink.received(bytes));
    socket.on('error', () => sink.ended(CLOSED.badMessage));
    socket.on('disconnect', (reason, details) => sink.ended(closeReasonOf(reason, details)));
    reportEnd(raw, sink);
  });
  io.attach(inner);
  return io;
}
