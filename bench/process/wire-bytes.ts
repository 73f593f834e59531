import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const sockets = new Set<Socket>();
let closed = 0;

function count(message: unknown): void {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => {
    sockets.delete(socket);
    closed += bytesOf(socket);
  });
}

const bytesOf = (socket: Socket): number => socket.bytesRead + socket.bytesWritten;

/** Counts all TCP sockets of this process from now on: the same measure for every system, its framing included. */
export function countWireBytes(): void {
  subscribe('net.client.socket', count);
  subscribe('net.server.socket', count);
}

/** Bytes read and written so far. */
export const wireBytes = (): number => [...sockets].reduce((sum, socket) => sum + bytesOf(socket), closed);
