import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import type { Ack } from '../tools/socket-client.js';
import { launchChromium } from './chromium.js';

/** Leaves in the page a connected `socket` with default options, what it heard in `heard`, and the way to `call`. */
const CONNECT = `new Promise((resolve) => {
  globalThis.heard = [];
  globalThis.socket = io();
  socket.on('change', (change) => heard.push(change));
  socket.on('failed', (failure) => heard.push(failure));
  globalThis.call = (event, ...args) => socket.timeout(10000).emitWithAck(event, ...args);
  socket.on('connect', () => resolve(true));
})`;

/** The events of the contract, as a page of the peer's own origin uses them: the bundle comes from the peer. */
describe('a client in a browser', () => {
  const cluster = new Cluster();
  let browser: Browser;
  let peer: PeerProcess;
  let other: PeerProcess;
  let page: Page;

  beforeAll(async () => {
    [browser, peer] = await Promise.all([launchChromium(), cluster.start('one', { port: 0 })]);
    other = await cluster.start('two', { port: 0, peers: [peer.url] });
    await other.connected(1);
    page = await browser.newPage();
    await page.goto(peer.url);
    await page.addScriptTag({ url: '/socket.io/socket.io.js' });
    await page.evaluate(CONNECT);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await cluster.stop();
  });
  beforeEach(() => page.evaluate('heard.length = 0').then(() => undefined));

  /** Calls an event in the page. Arguments go as JSON text, so that they are made in the page's own realm. */
  const call = (event: string, ...args: unknown[]): Promise<Ack> => run(`call(${texts([event, ...args])})`);
  const run = (script: string): Promise<Ack> => page.evaluate(script);
  const heard = async (count: number): Promise<unknown[]> => {
    await page.waitForFunction(`heard.length >= ${count}`);
    return page.evaluate('heard');
  };
  const written = {
    dot: expect.stringMatching(/^[\w-]{21}\.\d+$/),
    stamp: expect.stringMatching(/^[\da-f]{16}$/),
  };

  test('upgrades from polling to WebSocket', async () => {
    await page.waitForFunction("socket.io.engine.transport.name === 'websocket'");
  });

  test('get, set, delete', async () => {
    expect(await call('get', 'Ville')).toEqual({ ok: true, value: null, found: false });
    expect(await call('set', 'Ville', { nom: 'Lyon', 'é𝄞': [1.5, null] })).toEqual({
      ok: true,
      value: written,
    });
    expect(await call('get', 'Ville')).toEqual({
      ok: true,
      value: { nom: 'Lyon', 'é𝄞': [1.5, null] },
      found: true,
    });
    expect(await call('delete', 'Ville')).toEqual({ ok: true, value: { found: true, ...written } });
    expect(await call('delete', 'Ville')).toEqual({ ok: true, value: { found: false } });
  });

  test('setMany, keys, entries', async () => {
    const rows = [
      ['page/a', 1],
      ['page/b', { x: 2 }],
      ['page/c', 'x'],
    ];
    expect(await call('setMany', rows)).toEqual({ ok: true, value: { count: 3 } });
    expect(await call('keys', { prefix: 'page/', limit: 2 })).toEqual({
      ok: true,
      value: ['page/a', 'page/b'],
      more: true,
      after: 'page/b',
    });
    expect(await call('entries', { prefix: 'page/', after: 'page/b' })).toEqual({
      ok: true,
      value: [{ key: 'page/c', value: 'x', ...written }],
    });
  });

  test('names of the prototype come back exactly', async () => {
    const text = '{"__proto__":{"constructor":[1]},"constructor":null,"toString":"𝄞\\u0000"}';
    expect(await run(`call('set', '__proto__', JSON.parse(${JSON.stringify(text)}))`)).toMatchObject({
      ok: true,
    });
    expect(await page.evaluate("call('get', '__proto__').then(({ value }) => JSON.stringify(value))")).toBe(
      text,
    );
    await call('delete', '__proto__');
  });

  test('watch, change, unwatch, also for what another peer writes', async () => {
    const { value } = await call('watch', { prefix: 'w/' });
    const { id } = value as { id: string };
    await other.set('w/1', [true]);
    await heard(1);
    await call('delete', 'w/1');
    const about = { id, bucket: 'default', key: 'w/1', ...written };
    expect(await heard(2)).toEqual([
      { ...about, value: [true] },
      { ...about, deleted: true },
    ]);
    expect(await call('unwatch', id)).toEqual({ ok: true, value: null });
    await call('set', 'w/2', 1);
    expect(await heard(0)).toHaveLength(2);
    expect(await call('unwatch', id)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
  });

  test('addPeer, removePeer, getPeers, status', async () => {
    const url = 'http://127.0.0.1:9';
    expect(await call('addPeer', url)).toEqual({ ok: true, value: null });
    expect((await call('getPeers')).value).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ url, known: 'added' }),
        expect.objectContaining({ id: other.id, state: 'connected' }),
      ]),
    );
    expect(await call('removePeer', url)).toEqual({ ok: true, value: null });
    expect(await call('removePeer', url)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } });
    expect((await call('status')).value).toMatchObject({ id: peer.id, name: 'one', cluster: 'rumeur' });
  });

  test('each mistake has its error, by ack or by failed', async () => {
    const codes: [string, string, ...unknown[]][] = [
      ['KEY_EMPTY', 'get', ''],
      ['KEY_INVALID', 'get', '\ud800'],
      ['KEY_TOO_LONG', 'set', 'k'.repeat(1025), 1],
      ['VALUE_TOO_LARGE', 'set', 'k', 'x'.repeat(2 ** 20)],
      ['ARGUMENT_INVALID', 'set', 'k'],
      ['ARGUMENT_INVALID', 'addPeer', 'no url at all'],
      ['BUCKET_UNKNOWN', 'get', 'k', { bucket: 'nowhere' }],
      ['EVENT_UNKNOWN', 'gett', 'k'],
    ];
    for (const [code, event, ...args] of codes)
      expect([event, await call(event, ...args)]).toMatchObject([event, { ok: false, error: { code } }]);
    // What only a page has at hand.
    for (const binary of [
      'new Uint8Array(3)',
      'new Blob(["x"])',
      'new File(["x"], "f")',
      'new ArrayBuffer(1)',
    ])
      expect(await run(`call('set', 'k', [${binary}])`)).toMatchObject({
        ok: false,
        error: { code: 'VALUE_INVALID' },
      });
    await page.evaluate("socket.emit('set', '')");
    expect(await heard(1)).toEqual([
      { event: 'set', error: expect.objectContaining({ code: 'ARGUMENT_INVALID' }) },
    ]);
    expect(await call('get', 'k')).toMatchObject({ ok: true, found: false });
  });
});

describe('a page of another origin, before a peer process', () => {
  const cluster = new Cluster();
  const site = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>foreign</title>');
  });
  let browser: Browser;
  let peer: PeerProcess;
  let page: Page;

  beforeAll(async () => {
    site.listen(0, '127.0.0.1');
    [browser, peer] = await Promise.all([
      launchChromium(),
      cluster.start('one', { port: 0 }),
      once(site, 'listening'),
    ]);
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
    const bundle = await (await fetch(`${peer.url}/socket.io/socket.io.js`)).text();
    await page.addScriptTag({ content: bundle });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    site.closeAllConnections();
    site.close();
    await cluster.stop();
  });

  test.each(['polling', 'websocket'])('gets no connection over %s', async (transport) => {
    const outcome = await page.evaluate(`new Promise((resolve) => {
      const socket = io('${peer.url}', { transports: ['${transport}'], reconnection: false, forceNew: true });
      socket.on('connect', () => resolve('connected'));
      socket.on('connect_error', (error) => resolve('refused'));
    })`);
    expect(outcome).toBe('refused');
  });

  test('gets no answer to a request, and its write does not happen', async () => {
    const outcome = await page.evaluate(
      `fetch('${peer.url}/', { mode: 'cors' }).then(() => 'answered', () => 'refused')`,
    );
    expect(outcome).toBe('refused');
    await page.evaluate(
      `fetch('${peer.url}/socket.io/?EIO=4&transport=polling', { method: 'POST', mode: 'no-cors', body: '40' })`,
    );
    const status = await page.evaluate(`new Promise((resolve) => {
      const script = document.createElement('script');
      script.onload = () => resolve('loaded');
      script.onerror = () => resolve('refused');
      script.src = '${peer.url}/socket.io/socket.io.js';
      document.head.append(script);
    })`);
    expect(status).toBe('refused');
    expect(await peer.value('keys')).toEqual([]);
  });

  test('gets no link of peers', async () => {
    const outcome = await page.evaluate(`new Promise((resolve) => {
      const ws = new WebSocket('${peer.url.replace('http', 'ws')}/rumeur/?EIO=4&transport=websocket');
      ws.onopen = () => resolve('open');
      ws.onerror = () => resolve('refused');
    })`);
    expect(outcome).toBe('refused');
    expect(await peer.getPeers()).toEqual([]);
  });
});

/** Values as a script writes them. */
const texts = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(', ');
