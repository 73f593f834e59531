import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

export interface AckError {
  code: string;
  message: string;
  hint?: string;
}

export interface Ack {
  ok: boolean;
  value?: unknown;
  found?: boolean;
  more?: boolean;
  after?: string;
  context?: string | null;
  error?: AckError;
}

/** A plain client, connected. A connection of its own each, which does not come back by itself. */
export async function connect(
  url: string,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<Socket> {
  const socket = io(url, { forceNew: true, reconnection: false, ...options });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
    // The server has gone after the handshake of the transport and before its own.
    socket.once('disconnect', (reason) => reject(new Error(reason)));
  });
  return socket;
}

export const call = (socket: Socket, event: string, ...args: unknown[]): Promise<Ack> =>
  socket.timeout(20_000).emitWithAck(event, ...args) as Promise<Ack>;

/** The value of a call that must succeed. */
export async function valueOf(socket: Socket, event: string, ...args: unknown[]): Promise<unknown> {
  const ack = await call(socket, event, ...args);
  if (!ack.ok) throw new Error(`${event} failed: ${JSON.stringify(ack.error)}`);
  return ack.value;
}

/** The error of a call that must fail. */
export async function errorOf(socket: Socket, event: string, ...args: unknown[]): Promise<AckError> {
  const ack = await call(socket, event, ...args);
  if (ack.ok || ack.error === undefined) throw new Error(`${event} succeeded: ${JSON.stringify(ack)}`);
  return ack.error;
}

/** The next message of that name. Ask before doing what causes it. */
export const next = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve) => socket.once(event, resolve));

/** The next `count` messages of that name, in order. */
export function collect(socket: Socket, event: string, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      if (seen.push(message) < count) return;
      socket.off(event, listener);
      resolve(seen);
    };
    socket.on(event, listener);
  });
}

/** Sends a packet of the Socket.IO protocol as it stands, past the client's own encoder. */
export const sendRaw = (socket: Socket, packet: string | Uint8Array): void => {
  socket.io.engine.write(packet);
};

/** Resolves with the reason when the connection has ended. */
export const disconnected = (socket: Socket): Promise<unknown> => next(socket, 'disconnect');
