import { addressOf, backlogOf, reportEnd, type RawSocket, type Wire, type WireSink } from './peer-link.js';
import { peerParser, MESSAGE } from './peer-parser.js';
import { PEERS_PATH } from './peer-server.js';
import { DIAL_FAILED, closeReasonOf, dialFailureOf } from './reasons.js';
import { Manager, NodeWebSocket } from './socket-io-client.js';

export interface DialOptions {
  /** From the start until Socket.IO says that we are connected, everything included. */
  timeoutMs: number;
  maxMessageBytes: number;
}

export interface DialEvents {
  connected(wire: Wire): WireSink;
  failed(reason: string): void;
}

/**
 * One attempt to reach a peer; ends in exactly one event, never before this returns.
 *
 * @returns ends the attempt, with `failed`; without effect once it has ended.
 */
export function dialPeer(url: string, options: DialOptions, events: DialEvents): (reason: string) => void {
  let raw: RawSocket | undefined;
  let remote = url;
  let link: WireSink | undefined;
  let failed = false;

  const webSocket = tamedWebSocket(options.maxMessageBytes, (created) => {
    raw = created;
    raw.once('upgrade', ({ socket }) => (remote = addressOf(socket)));
    reportEnd(raw, {
      ended: (reason) => (link === undefined ? fail(DIAL_FAILED.hungUp) : link.ended(reason)),
      gone: () => link?.gone(),
    });
  });
  const manager = new Manager(url, {
    path: PEERS_PATH,
    parser: peerParser,
    transports: [webSocket],
    upgrade: false,
    reconnection: false,
    autoConnect: false,
  });
  // Ours covers the Socket.IO handshake as well.
  manager.timeout(false);
  const timer = setTimeout(() => fail(DIAL_FAILED.timeout), options.timeoutMs);
  const socket = manager.socket('/');

  const fail = (reason: string): void => {
    if (failed || link !== undefined) return;
    failed = true;
    clearTimeout(timer);
    socket.disconnect();
    raw?.terminate();
    setImmediate(() => events.failed(reason));
  };
  socket.on('connect_error', (error) => fail(dialFailureOf(error)));
  socket.on('connect', () => {
    clearTimeout(timer);
    link = events.connected({
      remote,
      send: (bytes) => socket.emit(MESSAGE, bytes),
      backlog: raw === undefined ? () => 0 : backlogOf(manager.engine, raw),
      // Not Socket.IO's disconnect: its packet overtakes messages at a Socket.IO that dispatches them a tick later.
      end: () => manager.engine.close(),
      destroy: () => raw?.terminate(),
    });
  });
  socket.onAny((_event: string, bytes: Uint8Array) => link?.received(bytes));
  socket.on('disconnect', (reason, details) => {
    if (link !== undefined) link.ended(closeReasonOf(reason, details));
    else fail(reason === 'parse error' ? DIAL_FAILED.notAPeer : DIAL_FAILED.hungUp);
  });
  socket.connect();
  return fail;
}

type Base = InstanceType<typeof NodeWebSocket>;

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

    protected override onPacket(packet: Parameters<Base['onPacket']>[0]): void {
      try {
        super.onPacket(packet);
      } catch (error) {
        this.onError(`invalid packet: ${String(error)}`, undefined);
      }
    }
  };
}
