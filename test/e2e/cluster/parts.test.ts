import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../tools/eventually.js';
import { Proxy } from '../../tools/proxy.js';
import { connectionsOf } from './connections.js';
import { costOf, minus, sumOf } from './counts.js';

describe('what the cluster of real peers is measured with', () => {
  let server: Server;
  const sockets: Socket[] = [];
  let proxy: Proxy | undefined;
  let received = '';
  const portOf = (): number => (server.address() as AddressInfo).port;
  const dial = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };

  beforeEach(async () => {
    received = '';
    server = createServer((socket) => {
      sockets.push(socket);
      socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy?.close();
    server.close();
  });

  test('the system tells of two connections to one port, and not of those that came in', async () => {
    await dial(portOf());
    await dial(portOf());
    // Elsewhere than on Linux nothing is told, and nothing is judged by it.
    const far = connectionsOf(process.pid)?.map((connection) => connection.far) ?? [portOf(), portOf()];
    expect(far.filter((port) => port === portOf())).toHaveLength(2);
  });

  test('a slow link delays, and what is sent when it is fast again overtakes nothing', async () => {
    proxy = await Proxy.to(portOf());
    const socket = await dial(proxy.port);
    proxy.delayMs = 150;
    const from = performance.now();
    for (const word of ['a', 'b', 'c']) {
      socket.write(word);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    proxy.delayMs = 0;
    socket.write('d');
    await eventually('all has come', () => received.length === 4);
    expect(received).toBe('abcd');
    expect(performance.now() - from).toBeGreaterThanOrEqual(140);
  });

  test('only connections that are said to be slow are delayed, known by the port from which they come', async () => {
    proxy = await Proxy.to(portOf());
    proxy.delayMs = 10_000;
    const asked: number[] = [];
    proxy.isSlow = (port) => asked.push(port) === 0;
    const socket = await dial(proxy.port);
    socket.write('x');
    await eventually('it has come', () => received === 'x', { withinMs: 3000 });
    expect(asked).toEqual([socket.localPort]);
  });

  test('what a write costs is told by what was counted meanwhile', () => {
    const before = sumOf([{ writes: 1, pushesReceived: 2 }, { writes: 1 }]);
    const after = { writes: 12, pushesReceived: 35, pushesDuplicate: 3, havesSent: 20, bytesSent: 100 };
    expect(costOf(minus(after, before), 4)).toMatchObject({
      writes: 10,
      redundancy: expect.closeTo(1.1, 6),
      duplicates: 0.3,
      haves: 2,
      bytes: 10,
    });
  });
});
