import { createRequire } from 'node:module';
import type * as SocketIo from 'socket.io-client';

const require = createRequire(import.meta.url);

/**
 * socket.io-client by its CommonJS build, which loads in half the time of the other: that one brings a tracing library
 * along, and second copies of the parsers that the server has loaded already.
 */
export const { io, Manager } = require('socket.io-client') as typeof SocketIo;

/** The other build exports it; of this one it is to be had where that itself has it from. */
export const { NodeWebSocket } = createRequire(require.resolve('socket.io-client'))(
  'engine.io-client',
) as Pick<typeof SocketIo, 'NodeWebSocket'>;
