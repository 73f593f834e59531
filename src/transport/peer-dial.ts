import type { IncomingMessage } from 'node:http';
import { Manager, NodeWebSocket } from 'socket.io-client';

import type { Wire, WireSink } from './peer-link.js';
import { peerParser, MESSAGE } from './peer-parser.js';
import { PEERS_PATH } from './peer-server.js';
import { DIAL_FAILED, closeReasonOf, dialFailureOf } from './reasons.js';

export interface DialOptions {
  /** From the start until Socket.IO says that we are connected, everything included. */
  timeoutMs: number;
  maxMessageBytes: number;
}

export interface DialEvents {
  connected(wire: Wire): WireSink;
  failed(reason: string): void;
}

/** The part of ws's WebSocket that engine.io-client does not give access to. */
interface RawSocket {
  once(event: 'upgrade', listener: (response: IncomingMessage) => void): void;
  once(event: 'close', listener: () => void): void;
  terminate(): void;
}

/**
 * One attempt to reach a peer; ends in exactly one event, never before this returns.
 *
 * @returns ends the attempt, with `failed`; without effect once connected.
 */
export function dialPeer(url: string, options: DialOptions, events: DialEvents): (reason: string) => void {
  let raw: RawSocket | undefined;
  let remote = url;
  let outcome: 'pending' | 'failed' | WireSink = 'pending';

  const manager = new Manager(url, {
    path: PEERS_PATH,
    parser: peerParser,
    transports: [
      tamedWebSocket(options.maxMessageBytes, (ws) => {
        raw = ws;
        ws.once(
          'upgrade',
          ({ socket }) => (remote = `${socket.remoteAddress ?? '?'} port ${socket.remotePort ?? '?'}`),
        );
        // Socket.IO hands over what it has read in later ticks: let these pass first.
        ws.once('close', () =>
          setImmediate(() => (typeof outcome === 'object' ? outcome.gone() : fail(DIAL_FAILED.hungUp))),
        );
      }),
    ],
    upgrade: false,
    reconnection: false,
    autoConnect: false,
  });
  // Ours covers the Socket.IO handshake as well.
  manager.timeout(false);
  const timer = setTimeout(() => fail(DIAL_FAILED.timeout), options.timeoutMs);
  const socket = manager.socket('/');

  const fail = (reason: string): void => {
    if (outcome !== 'pending') return;
    outcome = 'failed';
    clearTimeout(timer);
    socket.disconnect();
    raw?.terminate();
    setImmediate(() => events.failed(reason));
  };
  socket.on('connect_error', (error) => fail(dialFailureOf(error)));
  socket.on('connect', () => {
    clearTimeout(timer);
    outcome = events.connected({
      remote,
      send: (bytes) => socket.emit(MESSAGE, bytes),
      // Not Socket.IO's disconnect: its packet overtakes events that the other side has yet to dispatch.
      end: () => manager.engine.close(),
      destroy: () => raw?.terminate(),
    });
  });
  socket.onAny((_event: string, bytes: Uint8Array) => {
    if (typeof outcome === 'object') outcome.received(bytes);
  });
  socket.on('disconnect', (reason, details) => {
    if (typeof outcome === 'object') outcome.ended(closeReasonOf(reason, details));
    else fail(reason === 'parse error' ? DIAL_FAILED.notAPeer : DIAL_FAILED.hungUp);
  });
  socket.connect();
  return fail;
}

/** Engine.IO's WebSocket with bounds, and with its errors caught: a malformed handshake would throw in the event loop. */
function tamedWebSocket(maxMessageBytes: number, created: (ws: RawSocket) => void): typeof NodeWebSocket {
  return class extends NodeWebSocket {
    override createSocket(
      uri: string,
      protocols: string | string[] | undefined,
      opts: Record<string, unknown>,
    ): unknown {
      const ws = super.createSocket(uri, protocols, {
        ...opts,
        maxPayload: maxMessageBytes,
        perMessageDeflate: false,
      }) as RawSocket;
      created(ws);
      return ws;
    }

    protected override onPacket(packet: Parameters<NodeWebSocket['onPacket']>[0]): void {
      try {
        super.onPacket(packet);
      } catch (error) {
        this.onError('bad packet', error);
      }
    }
  };
}
