import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Session } from '../../../cli/session.js';

let server: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  // As a process that was stopped (SIGSTOP): the system takes the connection, and nobody answers.
  server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

test('who takes a connection and does not answer is running: nobody is told to start it', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = new Session(undefined, { url, json: false, bucket: undefined, timeoutMs: 100 }, undefined);
  await expect(session.connect()).rejects.toMatchObject({
    code: 'PEER_UNREACHABLE',
    message: expect.stringMatching(/no answer (in time|within 100 ms)$/),
    hint: 'it may be stopped, very busy or behind a firewall; --timeout waits longer',
  });
});
