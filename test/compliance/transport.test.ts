import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { GuardedHttpServer } from '../../src/transport/http-server.js';
import { Hub, InProcessTransport } from '../../src/transport/in-process.js';
import { SocketIoTransport } from '../../src/transport/socket-io.js';
import { Random } from '../../src/base/random.js';
import { transportCompliance, type TestNetwork } from './transport.suite.js';

transportCompliance('in-process, microtasks', () => inProcess(new Hub()));

/** Tasks that become ready in one turn run in a random order. */
transportCompliance('in-process, shuffled tasks', () => {
  const random = Random.fromNumber(7);
  const ready: (() => void)[] = [];
  return inProcess(
    new Hub((task) => {
      ready.push(task);
      setImmediate(() => ready.splice(random.integer(0, ready.length - 1), 1)[0]?.());
    }),
  );
});

transportCompliance('Socket.IO', () => {
  const disposals: (() => Promise<unknown>)[] = [];
  return {
    open: async (events) => {
      const server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
      const transport = new SocketIoTransport({ server }, events);
      const port = await server.listen('127.0.0.1', 0);
      disposals.push(async () => {
        await transport.stop();
        await server.close();
      });
      return { url: `http://127.0.0.1:${port}`, transport };
    },
    nobody: async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      return `http://127.0.0.1:${port}`;
    },
    stranger: async () => {
      const server = createServer((_request, response) => response.end('hello'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      disposals.push(() => new Promise((resolve) => server.close(resolve)));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    dispose: async () => {
      await Promise.all(disposals.map((dispose) => dispose()));
    },
  };
});

function inProcess(hub: Hub): TestNetwork {
  let last = 0;
  const newUrl = (): string => `memory://${++last}`;
  return {
    open: (events) => {
      const url = newUrl();
      return Promise.resolve({ url, transport: new InProcessTransport(hub, url, events) });
    },
    nobody: () => Promise.resolve(newUrl()),
    stranger: () => {
      const url = newUrl();
      hub.addStranger(url);
      return Promise.resolve(url);
    },
    dispose: () => Promise.resolve(),
  };
}
