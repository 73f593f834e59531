import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { Cluster } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

const POLLING = '/socket.io/?EIO=4&transport=polling';
const WEBSOCKET = '/socket.io/?EIO=4&transport=websocket';
const PEERS = '/rumeur/?EIO=4&transport=websocket';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request with exactly these header fields: `Host` is not written for us. An upgrade that succeeds is 101. */
function ask(url: string, method: string, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers, setHost: false, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, body: '' });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Every door of a peer, and what an honest caller finds there. */
const DOORS: readonly [what: string, method: string, path: string, upgrade: boolean, honest: number][] = [
  ['the page', 'GET', '/', false, 200],
  ['the client bundle', 'GET', '/socket.io/socket.io.js', false, 200],
  ['polling', 'GET', POLLING, false, 200],
  // No session is named, so Engine.IO itself refuses an honest one.
  ['a POST of polling', 'POST', POLLING, false, 400],
  ["an upgrade on the clients' path", 'GET', WEBSOCKET, true, 101],
  ["an upgrade on the peers' path", 'GET', PEERS, true, 101],
];

let cluster: Cluster;
let port: number;
let host: string;

beforeAll(async () => {
  cluster = new Cluster();
  [port = 0] = await freePorts(1);
  host = `localhost:${port}`;
  await cluster.start('door', {
    port,
    advertise: 'http://shop.example:8000',
    allowedHosts: ['intranet'],
    allowedOrigins: ['https://app.example'],
    storage: 'memory',
  });
});
afterAll(() => cluster.stop());

describe.each(DOORS)('%s', (_what, method, path, upgrade, honest) => {
  const knock = (headers: OutgoingHttpHeaders): Promise<Answer> => {
    const body = method === 'POST' ? '40' : undefined;
    return ask(`http://127.0.0.1:${port}${path}`, method, { ...(upgrade ? UPGRADE : {}), ...headers }, body);
  };
  const expectForbidden = async (headers: OutgoingHttpHeaders): Promise<void> => {
    const { status, body } = await knock(headers);
    expect([headers, status]).toEqual([headers, 403]);
    expect(JSON.parse(body)).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
  };

  test('is open to who calls the peer by a name of its own', async () => {
    const own = [host, '127.0.0.1', '192.168.7.7:80', `[::1]:${port}`, '[2001:db8::7]', 'a.localhost'];
    for (const name of [...own, 'shop.example', 'SHOP.example.:99', 'intranet:1']) {
      expect([name, (await knock({ host: name })).status]).toEqual([name, honest]);
    }
  });

  test('is open to pages of the own origin and of allowed ones', async () => {
    for (const origin of [`http://${host}`, 'http://shop.example:8000', 'https://app.example'])
      expect([origin, (await knock({ host, origin })).status]).toEqual([origin, honest]);
  });

  test.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    '[::1',
    '::1',
    'localhost:80:80',
    'user@localhost',
    '',
  ])('is 403 for the Host "%s"', (name) => expectForbidden({ host: name }));

  test.each([
    'null',
    'http://evil.example',
    'https://localhost',
    'http://localhost:1',
    'http://127.0.0.1',
    'https://app.example.evil.example',
    'http://app.example',
    'file://',
    '',
  ])('is 403 for the Origin "%s"', (origin) => expectForbidden({ host, origin }));

  test('is 403 for a foreign page that names no origin', () =>
    expectForbidden({ host, 'sec-fetch-site': 'cross-site' }));
});

describe('a host off loopback', () => {
  test.each(['0.0.0.0', '::', '192.168.1.7', 'shop.example'])(
    '%s refuses to start without insecure',
    async (offLoopback) => {
      const peer = cluster.configure('open', { port: 0, host: offLoopback, storage: 'memory' });
      const { code, stdout, stderr } = await peer.cli('start');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`host: found "${offLoopback}"`);
      expect(stderr).toContain('"insecure": true');
    },
  );

  test('starts with insecure, and keeps the guard', async () => {
    const config = { port: 0, host: '0.0.0.0', insecure: true, storage: 'memory' } as const;
    const { url } = await cluster.start('insecure', config);
    expect((await ask(url, 'GET', { host: '192.168.7.7' })).status).toBe(200);
    expect((await ask(url, 'GET', { host: 'evil.example' })).status).toBe(403);
    expect((await ask(url, 'GET', { host: 'localhost', origin: 'null' })).status).toBe(403);
  });

  test('on the IPv6 loopback it starts, and is reached by its literal', async () => {
    const { url } = await cluster.start('six', { port: 0, host: '::1', storage: 'memory' });
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await ask(url, 'GET', { host: new URL(url).host, origin: url })).status).toBe(200);
    expect((await ask(url, 'GET', { host: 'evil.example' })).status).toBe(403);
  });
});
