import { createRequire } from 'node:module';
import type * as SocketIo from 'socket.io-client';

/**
 * socket.io-client by its CommonJS build, which loads in half the time of the other: that one brings a tracing library
 * along, and second copies of the parsers that the server has loaded already.
 */
export const { io, Manager, NodeWebSocket } = createRequire(import.meta.url)(
  'socket.io-client',
) as typeof SocketIo;
