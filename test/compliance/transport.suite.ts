import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { LinkId } from '../../src/base/ids.js';
import { CLOSED, DIAL_FAILED } from '../../src/transport/reasons.js';
import type { Transport, TransportEvents } from '../../src/transport/transport.js';
import { Recorder } from './transport.recorder.js';

/** What the suite needs of a transport: peers in a network of their own, and two addresses without a peer. */
export interface TestNetwork {
  open(events: TransportEvents): Promise<{ url: string; transport: Transport }>;
  nobody(): Promise<string>;
  stranger(): Promise<string>;
  /** Ends everything that `open` and `stranger` started, transports included. */
  dispose(): Promise<void>;
}

interface TestPeer {
  url: string;
  transport: Transport;
  seen: Recorder;
}

const MIB = 1024 * 1024;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const numbered = (n: number): Buffer => Buffer.from(`message ${n}`);
const texts = (messages: readonly Uint8Array[]): string[] =>
  messages.map((bytes) => Buffer.from(bytes).toString());

/** What every Transport must do, whatever carries it. */
export function transportCompliance(name: string, createNetwork: () => TestNetwork): void {
  describe(`transport compliance: ${name}`, () => {
    let network: TestNetwork;
    let peers: TestPeer[];

    const open = async (): Promise<TestPeer> => {
      const seen = new Recorder();
      const peer = { ...(await network.open(seen)), seen };
      peers.push(peer);
      return peer;
    };
    /** Two peers and a link that the first dialled. */
    const linked = async (): Promise<{ a: TestPeer; b: TestPeer; ab: LinkId; ba: LinkId }> => {
      const [a, b] = [await open(), await open()];
      a.transport.dial(b.url);
      return { a, b, ab: (await a.seen.link()).id, ba: (await b.seen.link()).id };
    };

    beforeEach(() => {
      network = createNetwork();
      peers = [];
    });
    afterEach(async () => {
      await Promise.all(peers.map(({ transport }) => transport.stop()));
      await network.dispose();
      for (const { seen } of peers) {
        expect(seen.violations).toEqual([]);
        expect(seen.links.filter((link) => link.closed === undefined)).toEqual([]);
      }
    });

    test('a dial opens a link on both sides; only the dialler is told the url', async () => {
      const { a, b } = await linked();
      expect(a.seen.links).toMatchObject([{ direction: 'out', url: b.url, closed: undefined }]);
      expect(b.seen.links).toMatchObject([{ direction: 'in', url: undefined, closed: undefined }]);
      expect(a.seen.links[0]?.remote).toMatch(/./);
      expect(b.seen.links[0]?.remote).toMatch(/./);
    });

    test('messages go both ways, byte for byte, as plain bytes', async () => {
      const { a, b, ab, ba } = await linked();
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      a.transport.send(ab, bytes);
      a.transport.send(ab, bytes.subarray(3, 7));
      b.transport.send(ba, new Uint8Array([0]));
      await b.seen.until(() => b.seen.links[0]?.messages.length === 2);
      await a.seen.until(() => a.seen.links[0]?.messages.length === 1);
      const received = b.seen.links[0]?.messages ?? [];
      expect(received.every((message) => message instanceof Uint8Array)).toBe(true);
      expect(received.map((message) => [...message])).toEqual([[...bytes], [3, 4, 5, 6]]);
      expect(a.seen.links[0]?.messages.map((message) => [...message])).toEqual([[0]]);
    });

    test('10,000 small messages arrive in order, both ways at once', async () => {
      const { a, b, ab, ba } = await linked();
      const expected: string[] = [];
      for (let i = 0; i < 10_000; i++) {
        a.transport.send(ab, numbered(i));
        b.transport.send(ba, numbered(i));
        expected.push(`message ${i}`);
      }
      await b.seen.until(() => b.seen.links[0]?.messages.length === 10_000);
      await a.seen.until(() => a.seen.links[0]?.messages.length === 10_000);
      expect(texts(b.seen.links[0]?.messages ?? [])).toEqual(expected);
      expect(texts(a.seen.links[0]?.messages ?? [])).toEqual(expected);
    });

    test('several messages of 1 MiB and more arrive whole and in order, between small ones', async () => {
      const { a, b, ab } = await linked();
      const sent = [randomBytes(MIB), numbered(1), randomBytes(5 * MIB), randomBytes(MIB + 1), numbered(2)];
      for (const bytes of sent) a.transport.send(ab, bytes);
      await b.seen.until(() => b.seen.links[0]?.messages.length === sent.length);
      expect(b.seen.links[0]?.messages.map(hash)).toEqual(sent.map(hash));
    });

    test('received bytes stay what they were while more arrive', async () => {
      const { a, b, ab } = await linked();
      for (let i = 0; i < 100; i++) a.transport.send(ab, numbered(i));
      await b.seen.until(() => b.seen.links[0]?.messages.length === 100);
      const first = texts(b.seen.links[0]?.messages ?? []);
      for (let i = 0; i < 1000; i++) a.transport.send(ab, Buffer.alloc(100, 0xff));
      await b.seen.until(() => b.seen.links[0]?.messages.length === 1100);
      expect(texts(b.seen.links[0]?.messages.slice(0, 100) ?? [])).toEqual(first);
    });

    test.each(['dialler', 'listener'])('a close by the %s first delivers what was sent', async (side) => {
      const { a, b, ab, ba } = await linked();
      const [closer, link, other] = side === 'dialler' ? [a, ab, b] : [b, ba, a];
      const big = randomBytes(2 * MIB);
      closer.transport.send(link, big);
      for (let i = 0; i < 1000; i++) closer.transport.send(link, numbered(i));
      closer.transport.close(link, 'enough');
      closer.transport.send(link, numbered(-1));
      expect((await closer.seen.closedLink()).closed).toBe('enough');
      const far = await other.seen.closedLink();
      expect(far.closed).toBe(CLOSED.byPeer);
      expect(far.messages).toHaveLength(1001);
      expect(hash(far.messages[0] ?? new Uint8Array())).toBe(hash(big));
      expect(texts(far.messages.slice(1))).toEqual(Array.from({ length: 1000 }, (_, i) => `message ${i}`));
    });

    test('a close under crossing traffic ends on both sides; after it, the closing side receives nothing', async () => {
      const { a, b, ab, ba } = await linked();
      b.seen.onMessage = () => {
        for (let i = 0; i < 100; i++) b.transport.send(ba, Buffer.alloc(10_000, i));
      };
      a.transport.send(ab, numbered(1));
      await a.seen.until(() => a.seen.links[0]?.messages.length !== 0);
      a.transport.send(ab, numbered(2));
      a.transport.close(ab, 'enough');
      const received = a.seen.links[0]?.messages.length;
      expect((await a.seen.closedLink()).messages).toHaveLength(received ?? -1);
      expect(texts((await b.seen.closedLink()).messages)).toEqual(['message 1', 'message 2']);
    });

    test('both sides may close at once; each is told its own reason', async () => {
      const { a, b, ab, ba } = await linked();
      a.transport.close(ab, 'a has enough');
      b.transport.close(ba, 'b has enough');
      expect((await a.seen.closedLink()).closed).toBe('a has enough');
      expect((await b.seen.closedLink()).closed).toBe('b has enough');
    });

    test('closing twice, and sending or closing on a link that is gone or never was, does nothing', async () => {
      const { a, b, ab } = await linked();
      a.transport.close(ab, 'first');
      a.transport.close(ab, 'second');
      expect((await a.seen.closedLink()).closed).toBe('first');
      await b.seen.closedLink();
      a.transport.send(ab, numbered(1));
      a.transport.close(ab, 'third');
      a.transport.send(999 as LinkId, numbered(1));
      a.transport.close(999 as LinkId, 'never was');
      await setImmediate();
      expect(a.seen.links).toHaveLength(1);
    });

    test('a link may be closed from within its own opened', async () => {
      const [a, b] = [await open(), await open()];
      a.seen.onOpened = (id) => {
        a.transport.send(id, numbered(1));
        a.transport.close(id, 'changed my mind');
      };
      a.transport.dial(b.url);
      expect((await a.seen.closedLink()).closed).toBe('changed my mind');
      expect(texts((await b.seen.closedLink()).messages)).toEqual(['message 1']);
    });

    test('a message sent from within opened is the first to arrive', async () => {
      const [a, b] = [await open(), await open()];
      b.seen.onOpened = (id) => b.transport.send(id, numbered(1));
      a.transport.dial(b.url);
      await a.seen.until(() => a.seen.links[0]?.messages.length === 1);
      expect(texts(a.seen.links[0]?.messages ?? [])).toEqual(['message 1']);
    });

    test('a dial to nobody is refused', async () => {
      const a = await open();
      const url = await network.nobody();
      a.transport.dial(url);
      expect(a.seen.failures).toEqual([]);
      await a.seen.until(() => a.seen.failures.length > 0);
      expect(a.seen.failures).toEqual([{ url, reason: DIAL_FAILED.refused }]);
      expect(a.seen.links).toEqual([]);
    });

    test('a dial to something that is no peer says so', async () => {
      const a = await open();
      const url = await network.stranger();
      a.transport.dial(url);
      await a.seen.until(() => a.seen.failures.length > 0);
      expect(a.seen.failures).toEqual([{ url, reason: DIAL_FAILED.notAPeer }]);
      expect(a.seen.links).toEqual([]);
    });

    test('a second dial of a url while the first is under way is the same attempt; later it is a new one', async () => {
      const [a, b] = [await open(), await open()];
      a.transport.dial(b.url);
      a.transport.dial(b.url);
      const link = await a.seen.link();
      a.transport.dial(b.url);
      a.transport.dial(b.url);
      await a.seen.link(1);
      await b.seen.link(1);
      a.transport.close(link.id, 'enough');
      await a.seen.closedLink();
      await b.seen.until(() => b.seen.links.some(({ closed }) => closed !== undefined));
      expect([a.seen.links.length, b.seen.links.length, a.seen.failures.length]).toEqual([2, 2, 0]);
      expect(a.seen.links[1]?.closed).toBeUndefined();

      const nobody = await network.nobody();
      a.transport.dial(nobody);
      a.transport.dial(nobody);
      await a.seen.until(() => a.seen.failures.length === 1);
      a.transport.dial(nobody);
      await a.seen.until(() => a.seen.failures.length === 2);
    });

    test('a peer may dial itself, and sees both ends', async () => {
      const a = await open();
      a.transport.dial(a.url);
      await a.seen.link(1);
      const out = a.seen.links.find(({ direction }) => direction === 'out');
      const incoming = a.seen.links.find(({ direction }) => direction === 'in');
      a.transport.send(out?.id as LinkId, numbered(1));
      await a.seen.until(() => incoming?.messages.length === 1);
      expect(out?.id).not.toBe(incoming?.id);
    });

    test('stop closes open links, delivers what was sent, ends dials, and reports nothing afterwards', async () => {
      const { a, b, ab } = await linked();
      const c = await open();
      c.transport.dial(a.url);
      await a.seen.link(1);
      for (let i = 0; i < 100; i++) a.transport.send(ab, numbered(i));
      const unfinished = await network.nobody();
      a.transport.dial(unfinished);
      await a.transport.stop();
      expect(a.seen.links.map(({ closed }) => closed)).toEqual([CLOSED.stopped, CLOSED.stopped]);
      expect(a.seen.failures).toEqual([{ url: unfinished, reason: DIAL_FAILED.stopped }]);
      expect((await b.seen.closedLink()).messages).toHaveLength(100);
      expect((await c.seen.closedLink()).closed).toBe(CLOSED.byPeer);

      b.transport.dial(a.url);
      await b.seen.until(() => b.seen.failures.length === 1);
      expect(a.seen.links).toHaveLength(2);
      await a.transport.stop();
    });

    test('a dial after stop fails', async () => {
      const [a, b] = [await open(), await open()];
      await a.transport.stop();
      a.transport.dial(b.url);
      await a.seen.until(() => a.seen.failures.length === 1);
      expect(a.seen.failures).toEqual([{ url: b.url, reason: DIAL_FAILED.stopped }]);
      expect(b.seen.links).toEqual([]);
    });
  });
}
