import { describe, expect, test } from '@jest/globals';
import { statusText } from '../../../cli/commands/status.js';
import { gossipLines } from '../../../cli/gossip-text.js';
import { ofBucket } from '../../../cli/status-bucket.js';
import type { BucketStatus, PeerSync, Status } from '../../../src/api/service.js';
import type { PeerId } from '../../../src/base/ids.js';

const NOW = 1_000_000;
const BUCKET: BucketStatus = {
  policy: 'lww',
  keys: 1,
  tombstones: 0,
  hash: 'ab',
  vector: {},
  heldBy: [],
  inSync: true,
};
const STATUS: Status = {
  id: 'me' as PeerId,
  name: 'one',
  url: 'http://127.0.0.1:1',
  version: '1',
  cluster: 'c',
  uptimeMs: 1,
  storage: 'lmdb',
  durability: 'flushed',
  readOnly: false,
  buckets: { default: BUCKET },
  peers: [],
  inSync: true,
  counters: {},
};
const traffic = { pushesSent: 0, pushesReceived: 0, deltasSent: 0, deltasReceived: 0, rounds: 0 };

const peerOf = (name: string, change: Partial<PeerSync> = {}): PeerSync => ({
  id: name.toUpperCase() as PeerId,
  url: `http://${name}`,
  name,
  state: 'connected',
  behind: 0,
  ahead: 0,
  buckets: {},
  ...change,
});

/** Without a link; it lacks two writes as far as is known. */
const away = (state: PeerSync['state'], by: 'link' | 'announcement'): PeerSync => {
  const at = NOW - 18_000;
  const buckets = { default: { behind: 0, ahead: 2, since: at } };
  return peerOf('p', { state, ahead: 2, buckets, asOf: { at, by } });
};

/** The text with runs of spaces in one. */
const shown = (status: Partial<Status>): string =>
  statusText({ ...STATUS, ...status }, NOW).replaceAll(/ {2,}/g, ' ');

describe('the first lines of a status', () => {
  test.each([
    ['nobody is known', {}, 'alone: no other peer is known'],
    [
      'the one that is named was never met',
      { inSync: false, unmet: [{ url: 'http://x', state: 'down' }] },
      'not in sync, none of 1 known peer connected',
    ],
    [
      'one of two was never met',
      { peers: [peerOf('p', { traffic })], unmet: [{ url: 'http://x', state: 'down' }] },
      'in sync, 1 of 2 other peers connected',
    ],
    ['all are linked', { peers: [peerOf('p', { traffic })] }, 'in sync, 1 of 1 other peer connected'],
    [
      'not all need be linked',
      {
        peers: [peerOf('p', { traffic }), peerOf('q', { state: 'alive' })],
        linksWanted: { least: 1, most: 1 },
      },
      'in sync, 1 of 2 other peers connected, and no more links are wanted (gossip.degree)',
    ],
    [
      'not as many are linked as wanted',
      {
        peers: [peerOf('p', { traffic }), peerOf('q', { state: 'alive' })],
        linksWanted: { least: 6, most: 8 },
      },
      'in sync, 1 of 2 other peers connected; 6 to 8 links are wanted (gossip.degree)',
    ],
  ] as const)('when %s', (_, change, line) => {
    expect(shown(change as Partial<Status>).split('\n')[2]).toBe(line);
  });
});

describe('of the other peers a status tells', () => {
  test('names, and addresses where nobody was met', () => {
    const text = shown({
      peers: [peerOf('p', { traffic, ahead: 1 })],
      unmet: [{ url: 'http://x', state: 'connecting' }],
    });
    expect(text).toContain(
      '\npeer name id state we lack it lacks\nhttp://p p P connected - 1 write\nhttp://x - - connecting\n',
    );
  });

  test.each([
    ['link', 'it lacks 2 writes, as of the end of its link 18 s ago'],
    ['announcement', 'it lacks 2 writes, as it announced 18 s ago'],
  ] as const)('how far one was when it was last heard of: %s', (by, said) => {
    const text = shown({ peers: [away('down', by)] });
    expect(text).toContain('\nhttp://p p P down - 2 writes\n');
    expect(text).toContain(`\nhttp://p, bucket default: ${said}\n`);
  });

  test('nothing of one that is alive and needs no link', () => {
    const text = shown({ peers: [away('alive', 'announcement')] });
    expect(text).toContain('\nhttp://p p P alive\n');
    expect(text).not.toContain('lacks 2');
  });

  test('what one that does not answer may lack', () => {
    const silent = peerOf('p', { state: 'suspect', unconfirmed: 5 });
    const text = shown({ peers: [{ ...silent, traffic }] });
    expect(text).toContain('\nhttp://p p P suspect - up to 5 writes\n');
    expect(text).toContain(
      '\nhttp://p does not answer: up to 5 writes that were sent may be missing there\n',
    );
    const gone = { ...silent, state: 'down', ahead: 2, asOf: { at: NOW - 1_000, by: 'link' } } as const;
    const later = shown({ peers: [gone] });
    expect(later).toContain('\nhttp://p p P down - 2 to 7 writes\n');
    expect(later).toContain('http://p did not answer before its link ended: up to 5 writes');
  });

  test('for whom a deleted key is remembered', () => {
    const heldBy = [{ peer: 'P' as PeerId, name: 'p', since: NOW - 1_000 }];
    expect(shown({ buckets: { default: { ...BUCKET, tombstones: 1, heldBy } } })).toContain(
      '1 deleted key is remembered until p (P) has it, last heard of 1 s ago',
    );
  });
});

describe('how writes spread', () => {
  test('of a peer that only writes', () => {
    const counters = {
      pushesSent: 1_200,
      deltaEntriesSent: 1,
      bytesSent: 2048,
      bytesReceived: 100,
      prunesReceived: 1,
    };
    expect(gossipLines(counters)).toEqual([
      'sent 1,200 writes by push and 1 by comparison',
      'grafts: 0 sent, 0 received; prunes: 0 sent, 1 received',
      '2.0 KiB sent; 100 B received, 0 B of which had to come',
    ]);
    expect(gossipLines({ bytesSent: 100, bytesReceived: 100 })).toEqual([]);
  });

  test('of one write and one needless copy', () => {
    expect(gossipLines({ pushesReceived: 2, pushesDuplicate: 1 })[0]).toBe(
      'received 1 write by push and 0 by comparison; 1 needless copy, redundancy 1.00',
    );
  });
});

describe('a status of one bucket', () => {
  const lag = { behind: 1, ahead: 2, since: null };
  const status: Status = {
    ...STATUS,
    inSync: false,
    buckets: { default: { ...BUCKET, inSync: false }, orders: BUCKET },
    peers: [
      peerOf('p', {
        behind: 2,
        ahead: 4,
        buckets: { default: lag, orders: lag },
        refused: ['visits'],
        traffic,
      }),
    ],
    heldUntil: { default: 1 },
  };

  test('leaves out the others', () => {
    const peer = peerOf('p', { behind: 1, ahead: 2, buckets: { orders: lag }, traffic });
    expect(ofBucket(status, 'orders')).toEqual({
      ...STATUS,
      inSync: true,
      buckets: { orders: BUCKET },
      peers: [peer],
    });
  });

  test('that there is not', () => {
    expect(() => ofBucket(status, 'none')).toThrow(
      expect.objectContaining({ code: 'BUCKET_UNKNOWN', hint: 'it has: default, orders' }),
    );
  });
});
