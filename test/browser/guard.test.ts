import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { Server } from 'socket.io';

import { GuardedHttpServer } from '../../src/transport/http-server.js';
import { launchChromium } from './chromium.js';

/**
 * The answers that a page's requests got on the wire, whether or not the browser shows them to the page; those
 * to WebSocket handshakes included.
 */
class Answers {
  readonly #urls = new Map<string, string>();
  readonly #statuses: { requestId: string; status: number }[] = [];
  #wake = (): void => undefined;

  static async of(page: Page): Promise<Answers> {
    const answers = new Answers();
    const wire = await page.context().newCDPSession(page);
    wire.on('Network.requestWillBeSent', ({ requestId, request }) => answers.#name(requestId, request.url));
    wire.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) =>
      answers.#add(requestId, statusCode),
    );
    wire.on('Network.webSocketCreated', ({ requestId, url }) => answers.#name(requestId, url));
    wire.on('Network.webSocketHandshakeResponseReceived', ({ requestId, response }) =>
      answers.#add(requestId, response.status),
    );
    wire.on('Network.webSocketFrameError', ({ requestId, errorMessage }) =>
      answers.#add(requestId, Number(/response code: (\d{3})/.exec(errorMessage)?.[1] ?? 0)),
    );
    await wire.send('Network.enable');
    return answers;
  }

  /** The statuses from the server of `url`, once there are `count`. */
  async from(url: string, count: number): Promise<number[]> {
    for (;;) {
      const found = this.#statuses.filter(({ requestId }) => this.#isFrom(url, requestId));
      if (found.length >= count) return found.map(({ status }) => status);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #isFrom(url: string, requestId: string): boolean {
    const asked = new URL(this.#urls.get(requestId) ?? 'unknown:');
    return asked.host === new URL(url).host && asked.pathname !== '/favicon.ico';
  }

  /** Answers may be reported before the requests. */
  #name(requestId: string, url: string): void {
    this.#urls.set(requestId, url);
    this.#wake();
  }

  #add(requestId: string, status: number): void {
    this.#statuses.push({ requestId, status });
    this.#wake();
  }
}

/** Resolves in the page to `connected`, or to why not. */
const CONNECT = `(url, options) => new Promise((resolve) => {
  const socket = io(url, { reconnection: false, forceNew: true, ...options });
  socket.on('connect', () => socket.emit('echo', 'hello', (answer) => {
    socket.disconnect();
    resolve('connected ' + answer);
  }));
  socket.on('connect_error', (error) => resolve('refused: ' + error.message));
})`;

const connect = (page: Page, url: string, transports?: string[]): Promise<unknown> =>
  page.evaluate(`(${CONNECT})(${JSON.stringify(url)}, ${JSON.stringify(transports ? { transports } : {})})`);

/** Resolves in the page to `answered`, or to `failed` if the browser withholds the answer or there is none. */
const fetchFrom = (page: Page, url: string, options: object = {}): Promise<unknown> =>
  page.evaluate(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(options)}).then((answer) => 'answered ' + answer.type, () => 'failed')`,
  );

describe('the guard, before a real browser', () => {
  let browser: Browser;
  let server: GuardedHttpServer;
  let clients: Server;
  let foreignServer: ReturnType<typeof createServer>;
  let own: string;
  let foreign: string;
  let context: BrowserContext;
  let page: Page;
  let answers: Answers;
  let connections: number;

  beforeAll(async () => {
    browser = await launchChromium();
    server = new GuardedHttpServer({ name: 'test', host: '127.0.0.1' });
    clients = new Server();
    clients.on('connection', (socket) => {
      connections++;
      socket.on('echo', (text: string, answer: (text: string) => void) => answer(text));
    });
    clients.attach(server.mount('/socket.io/'));
    own = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;

    const bundle = await (await fetch(`${own}/socket.io/socket.io.js`)).text();
    foreignServer = createServer((request, response) => {
      const isScript = request.url === '/io.js';
      response.writeHead(200, {
        'content-type': isScript ? 'text/javascript' : 'text/html',
        // Gives the page the origin null.
        ...(request.url === '/sandboxed' ? { 'content-security-policy': 'sandbox allow-scripts' } : {}),
      });
      response.end(isScript ? bundle : '<!doctype html><title>foreign</title><script src="/io.js"></script>');
    });
    foreignServer.listen(0, '127.0.0.1');
    await once(foreignServer, 'listening');
    foreign = `http://127.0.0.1:${(foreignServer.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    await clients.close();
    await server.close();
    foreignServer.closeAllConnections();
    await new Promise((resolve) => foreignServer.close(resolve));
  });
  beforeEach(async () => {
    connections = 0;
    context = await browser.newContext();
    page = await context.newPage();
    answers = await Answers.of(page);
  });
  afterEach(() => context.close());

  /** The statuses of all that the peer was asked since the page was opened, once there are `count`. */
  const statuses = (count: number): Promise<number[]> => answers.from(own, count);

  test('a page of our own origin connects with the bundle from the peer, over polling and over WebSocket', async () => {
    await page.goto(own);
    await page.addScriptTag({ url: '/socket.io/socket.io.js' });
    expect(await connect(page, '')).toBe('connected hello');
    expect(await connect(page, '', ['websocket'])).toBe('connected hello');
    expect(await connect(page, '', ['polling'])).toBe('connected hello');
    expect(await fetchFrom(page, '/')).toBe('answered basic');
    expect(connections).toBe(3);
    // At least the page, the bundle, the WebSocket, and three requests of polling.
    expect([...new Set(await statuses(6))].sort()).toEqual([101, 200]);
  });

  test.each(['polling', 'websocket'])(
    'a client on a page of another origin gets 403 over %s',
    async (transport) => {
      await page.goto(foreign);
      expect(await connect(page, own, [transport])).toMatch(/^refused/);
      expect(await statuses(1)).toEqual([403]);
      expect(connections).toBe(0);
    },
  );

  test.each(['/', '/socket.io/?EIO=4&transport=polling', '/socket.io/socket.io.js'])(
    'fetch of %s from a page of another origin gets 403, with and without CORS',
    async (path) => {
      await page.goto(foreign);
      expect(await fetchFrom(page, own + path)).toBe('failed');
      expect(await fetchFrom(page, own + path, { method: 'POST', body: '40' })).toBe('failed');
      await fetchFrom(page, own + path, { mode: 'no-cors' });
      await fetchFrom(page, own + path, { mode: 'no-cors', method: 'POST', body: '40' });
      await fetchFrom(page, own + path, { mode: 'no-cors', referrerPolicy: 'no-referrer' });
      expect(await statuses(5)).toEqual([403, 403, 403, 403, 403]);
      expect(connections).toBe(0);
    },
  );

  test('the bundle as a script tag of another origin gets 403', async () => {
    await page.goto(foreign);
    await expect(page.addScriptTag({ url: `${own}/socket.io/socket.io.js` })).rejects.toThrow();
    expect(await statuses(1)).toEqual([403]);
  });

  test('a page with the origin null gets 403 for all of it', async () => {
    await page.goto(`${foreign}/sandboxed`);
    expect(await page.evaluate('origin')).toBe('null');
    expect(await connect(page, own, ['polling'])).toMatch(/^refused/);
    expect(await connect(page, own, ['websocket'])).toMatch(/^refused/);
    expect(await fetchFrom(page, own)).toBe('failed');
    await fetchFrom(page, own, { mode: 'no-cors' });
    expect(await statuses(4)).toEqual([403, 403, 403, 403]);
    expect(connections).toBe(0);
  });

  test('a name that was re-bound to our address gets 403', async () => {
    const rebound = await launchChromium(['--host-resolver-rules=MAP evil.example 127.0.0.1']);
    try {
      const reboundPage = await rebound.newPage();
      const answer = await reboundPage.goto(own.replace('127.0.0.1', 'evil.example'));
      expect(answer?.status()).toBe(403);
      expect(await answer?.json()).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    } finally {
      await rebound.close();
    }
  });

  test('following a link from another page to ours works', async () => {
    await page.goto(foreign);
    await page.setContent(`<a href="${own}/">the peer</a>`);
    await page.click('a');
    await page.waitForURL(`${own}/`);
    expect(await statuses(1)).toEqual([200]);
  });
});
