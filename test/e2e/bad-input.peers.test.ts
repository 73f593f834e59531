import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { LinkId } from '../../src/base/ids.js';
import { encodeMessage } from '../../src/protocol/codec.js';
import { GuardedHttpServer } from '../../src/transport/http-server.js';
import { SocketIoTransport } from '../../src/transport/socket-io.js';
import { eventually } from '../tools/eventually.js';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';
import { RawPeer } from '../tools/raw-peer.js';

/** How long dials are counted, milliseconds. */
const WATCHED_MS = 2000;
/** With the default pauses, which double from 0.2 s on, jittered: an endless loop would make hundreds. */
const DIALS_AT_MOST = 12;

let cluster: Cluster;
let peer: PeerProcess;
beforeEach(async () => {
  cluster = new Cluster();
  peer = await cluster.start('one', { port: 0 });
  await peer.set('before', 'whole');
});
afterEach(async () => {
  try {
    expect(await peer.get('before')).toBe('whole');
    await peer.set('after', 'alive');
    expect(peer.log).not.toMatch(/"level":(50|60)/);
  } finally {
    await cluster.stop();
  }
});

const RUBBISH = [
  '',
  ' ',
  'rubbish',
  'localhost',
  'localhost:0',
  '65536',
  '-1',
  'http://',
  'ftp://localhost:1',
  'http://a b:1',
  'http://localhost:1/path',
  'http://user@localhost:1',
  'http://localhost:1?q',
  '::1:3001',
  'http://[::1:1',
  '\u0000:1',
  'x'.repeat(5000),
  `${'a'.repeat(300)}:1`,
];

describe('addPeer and removePeer', () => {
  test('of rubbish are refused as no address', async () => {
    for (const rubbish of RUBBISH) {
      for (const event of ['addPeer', 'removePeer']) {
        const { ok, error } = await peer.call(event, rubbish);
        expect([event, rubbish, ok, error?.code]).toEqual([event, rubbish, false, 'ARGUMENT_INVALID']);
        expect(error?.message.length).toBeLessThan(500);
      }
    }
    expect(await peer.getPeers()).toEqual([]);
  });

  test('of nobody, of an unknown one and of the peer itself', async () => {
    expect((await peer.call('removePeer', 'localhost:3999')).error).toMatchObject({ code: 'NOT_FOUND' });
    expect((await peer.call('removePeer', nanoid())).error).toMatchObject({ code: 'NOT_FOUND' });
    expect((await peer.call('removePeer', peer.id)).error).toMatchObject({ code: 'ARGUMENT_INVALID' });
    for (const url of [peer.url, peer.url.replace('127.0.0.1', 'localhost')])
      expect((await peer.call('addPeer', url)).error).toMatchObject({ code: 'ARGUMENT_INVALID' });
    expect(await peer.getPeers()).toEqual([]);
  });

  test('have their exit codes on the command line', async () => {
    const base = ['--url', peer.url];
    expect(await cli([...base, 'addPeer', 'rubbish'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/ARGUMENT_INVALID/),
    });
    expect(await cli([...base, 'removePeer', 'localhost:3999'])).toMatchObject({ code: 1, stdout: '' });
  });

  test('of its own address under another name leads to no link with itself', async () => {
    const everywhere = await cluster.start('everywhere', { port: 0, host: '0.0.0.0', insecure: true });
    await everywhere.value('addPeer', `http://127.0.0.2:${new URL(everywhere.url).port}`);
    await eventually('it notices', async () => (await everywhere.getPeers()).length === 0);
  });

  test('of something that is no peer: it stays down, the others do not suffer', async () => {
    const two = await cluster.start('two', { port: 0, peers: [peer.url] });
    const [closed = 0] = await freePorts(1);
    await peer.value('addPeer', closed);
    await two.connected(1);
    await two.set('k', 1);
    await eventually('writes arrive', async () => (await peer.get('k')) === 1);
    const unreachable = (await peer.getPeers()).find(({ url }) => url?.endsWith(`:${closed}`));
    expect(unreachable).toMatchObject({ id: null, rttMs: null });
    expect(unreachable?.state).not.toBe('connected');
  });
});

describe('a peer of another protocol version', () => {
  test('that dials is refused, and hears why', async () => {
    const raw = await RawPeer.join(peer.url, { protocol: [9, 9] });
    expect(await raw.hears('goodbye')).toMatchObject({
      code: 'PROTOCOL_MISMATCH',
      reason: expect.stringMatching(/9 to 9.*3 to 3/),
    });
    await raw.ends();
    expect(peer.log).toContain('PROTOCOL_MISMATCH');
    expect(await peer.getPeers()).toEqual([]);
  });

  test('that is dialled is refused, and is not dialled in a loop', async () => {
    const future = await FuturePeer.listen();
    await peer.value('addPeer', future.url);
    await eventually('it was dialled', () => future.dials > 0);
    await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
    expect(future.dials).toBeLessThan(DIALS_AT_MOST);
    await eventually('the log says so', () => peer.log.includes('PROTOCOL_MISMATCH'));
    expect((await peer.getPeers()).map(({ state }) => state)).not.toContain('connected');
    await future.close();
  });

  test('that speaks ours as well is let in', async () => {
    const raw = await RawPeer.join(peer.url, { protocol: [1, 9] });
    await peer.connected(1);
    raw.destroy();
  });
});

/** A peer of a later time: it can be dialled, and says HELLO in a protocol that we do not know. */
class FuturePeer {
  dials = 0;
  readonly #server = new GuardedHttpServer({ name: 'future', host: '127.0.0.1' });
  readonly #transport: SocketIoTransport;

  private constructor(hello: Uint8Array) {
    const ignore = (): void => undefined;
    this.#transport = new SocketIoTransport(
      { server: this.#server },
      {
        opened: (link: LinkId) => {
          this.dials++;
          this.#transport.send(link, hello);
        },
        received: ignore,
        closed: ignore,
        dialFailed: ignore,
      },
    );
  }

  static async listen(): Promise<FuturePeer> {
    const future = new FuturePeer(encodeMessage(RawPeer.introduction({ protocol: [9, 9] })));
    await future.#server.listen('127.0.0.1', 0);
    return future;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async close(): Promise<void> {
    await this.#transport.stop();
    await this.#server.close();
  }
}
