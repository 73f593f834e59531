import { createRequire } from 'node:module';
import type * as EngineIo from 'engine.io-client';
import type * as SocketIo from 'socket.io-client';

const require = createRequire(import.meta.url);

/**
 * Socket.IO's client by its CommonJS build, which loads in half the time of the other: that one brings a tracing library
 * along, and second copies of the parsers that the server has loaded already.
 */
export const { io, Manager } = require('socket.io-client') as typeof SocketIo;
/** Its usual transport in Node.js, which that build does not pass on. */
export const { NodeWebSocket } = require('engine.io-client') as typeof EngineIo;
