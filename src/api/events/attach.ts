import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { RumeurError } from '../../base/errors.js';
import type { PeerService } from '../service.js';
import { ClientDecoder, ClientEncoder } from './codec.js';
import { Connection, type Shared } from './connection.js';
import { Connections, within } from './connections.js';
import { Door } from './door.js';
import { DEFAULT_EVENT_LIMITS, type EventLimits, maxMessageBytes } from './limits.js';

const PATH = '/socket.io';
/** Connections beyond `limits.clients` that are let in to be told why they are refused. */
const DOORSTEP = 100;

export interface EventsOptions {
  readonly limits: Omit<EventLimits, keyof typeof DEFAULT_EVENT_LIMITS> & Partial<EventLimits>;
  /** Other origins whose pages may connect; none by default. The guard of the HTTP server comes before. */
  readonly allowedOrigins?: readonly string[];
  /** Told of errors that are no client's fault (`INTERNAL`), with the event that met them. */
  readonly report: (error: RumeurError, event: string) => void;
}

export interface EventsServer {
  /** How many clients are connected. */
  readonly clients: number;
  /**
   * Refuses new clients and requests, waits for the requests that are under way, then disconnects everybody. What
   * takes longer than `graceMs` (default 1,000) is cut off. The HTTP server stays open.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves the Socket.IO events of the contract on an HTTP server, at the default path and namespace, beside
 * whatever else listens there.
 */
export function attachEvents(
  httpServer: HttpServer,
  service: PeerService,
  options: EventsOptions,
): EventsServer {
  const limits = { ...DEFAULT_EVENT_LIMITS, ...options.limits };
  const shared: Shared = { service, limits, report: options.report, pending: new Set(), stopping: false };
  const { allowedOrigins = [] } = options;
  const io: Server = new Server(httpServer, {
    path: PATH,
    parser: { Encoder: ClientEncoder, Decoder: ClientDecoder },
    maxHttpBufferSize: maxMessageBytes(limits),
    perMessageDeflate: false,
    httpCompression: false,
    allowRequest: (_request, answer) =>
      answer(null, !shared.stopping && io.engine.clientsCount < limits.clients + DOORSTEP),
    ...(allowedOrigins.length === 0 ? {} : { cors: { origin: [...allowedOrigins] } }),
  });
  welcome(io, shared);
  const connections = new Connections(httpServer, io, PATH);
  return {
    get clients() {
      return io.of('/').sockets.size;
    },
    close: async (graceMs = 1000) => {
      shared.stopping = true;
      const deadline = Date.now() + graceMs;
      await within(Promise.allSettled(shared.pending), graceMs);
      await connections.close(deadline - Date.now());
      io.engine.close();
    },
  };
}

function welcome(io: Server, shared: Shared): void {
  const door = new Door(shared.limits.clients);
  io.use((socket, next) => {
    const refusal = door.enter(socket.conn);
    if (refusal === undefined) next();
    // What a client gets to see of an error are its message and its `data`.
    else next(Object.assign(new Error(`${refusal.code}: ${refusal.message}`), { data: refusal.toBody() }));
  });
  io.on('connection', (socket) => {
    new Connection(socket, shared);
    // There is but one namespace: without it a connection is of no use, and takes a place.
    socket.on('disconnect', () => socket.conn.close());
  });
}
