import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server, Socket } from 'socket.io';

/** Knows the connections below the clients, so that all of them can be closed in bounded time. */
export class Connections {
  readonly #open = new Set<Socket['conn']>();
  readonly #upgraded = new Set<Duplex>();
  readonly #stopTracking: () => void;

  constructor(httpServer: HttpServer, io: Server, path: string) {
    io.engine.on('connection', (connection: Socket['conn']) => {
      this.#open.add(connection);
      connection.once('close', () => this.#open.delete(connection));
    });
    const track = (request: IncomingMessage, socket: Duplex): void => {
      if (request.url?.startsWith(path) !== true) return;
      this.#upgraded.add(socket);
      socket.once('close', () => this.#upgraded.delete(socket));
    };
    httpServer.on('upgrade', track);
    this.#stopTracking = () => httpServer.off('upgrade', track);
  }

  /** Lets what is written leave, for at most `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    for (const connection of this.#open) {
      // A long-polling client that happens not to poll would be waited for during 30 seconds.
      connection.close(connection.transport.name === 'polling');
    }
    await within(Promise.all([...this.#upgraded].map(closed)), ms);
    for (const socket of this.#upgraded) socket.destroy();
    this.#stopTracking();
  }
}

const closed = (socket: Duplex): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

/** Waits for `work`, which does not fail, for at most `ms` milliseconds. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  await Promise.race([work, timeUp]);
  clearTimeout(timer);
}
