import { describe, expect, test } from '@jest/globals';
import { toHex, utf8 } from '../../../src/base/bytes.js';
import { DEFAULT_BUCKET, type OriginId, type PeerId, type SessionId } from '../../../src/base/ids.js';
import { STAMP_ZERO, stampAt } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage, packOps } from '../../../src/protocol/codec.js';
import type { Message } from '../../../src/protocol/messages.js';

const A = 'AAAAAAAAAAAAAAAAAAAAA' as OriginId;
const B = 'BBBBBBBBBBBBBBBBBBBBB' as OriginId;
const NOW = 1_700_000_000_000;
const hash = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);
const vector = new VersionVector([
  [A, [1, 5, 8, 300]],
  [B, [2, 2]],
]);
const context = new VersionVector([
  [A, [300, 300]],
  [B, [2, 2]],
]);
const digest = { bucket: DEFAULT_BUCKET, vectorHash: hash(1), stateHash: hash(2) };
const op = { origin: A, seq: 301, stamp: stampAt(NOW, 7), key: 'é', value: utf8('42') };
const ops = [op, { ...op, seq: 303, stamp: stampAt(NOW, 8), value: null, context }];
const short = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const P = 'PPPPPPPPPPPPPPPPPPPPP' as PeerId;

/** One of each type, and the bytes that every version of this protocol writes for it. */
const WIRE: readonly (readonly [Message, string])[] = [
  [
    {
      type: 'hello',
      protocol: [2, 2],
      cluster: 'rumeur',
      peer: P,
      session: 'SSSSSSSSSSSSSSSSSSSSS' as SessionId,
      name: 'one',
      url: null,
      clock: NOW,
      version: '0.1.0',
      buckets: [{ ...digest, policy: 'lww' }],
      links: 3,
      crowd: 200,
    },
    '9c01920202a672756d657572b5505050505050505050505050505050505050505050b5535353535353535353535353535353535353535353a36f6e65c0cf0000018bcfe56800a5302e312e3094a764656661756c74a36c7777c41001010101010101010101010101010101c4100202020202020202020202020202020203ccc8',
  ],
  [{ type: 'goodbye', code: 'LEAVING', reason: 'bye' }, '9302a74c454156494e47a3627965'],
  [
    { type: 'push', hops: 1, bucket: DEFAULT_BUCKET, origin: A, lo: 301, hi: 303, body: packOps(ops) },
    '970301a764656661756c74b5414141414141414141414141414141414141414141cd012dcd012fc4479b91b5424242424242424242424242424242424242424242cd012dcf018bcfe568000007a2c3a9c4023432c0cd012fcf018bcfe568000008a2c3a9c0940092cd012c0001920200',
  ],
  [
    { type: 'digest', round: 3, buckets: [digest], membersHash: hash(3) },
    '94040393a764656661756c74c41001010101010101010101010101010101c41002020202020202020202020202020202c41003030303030303030303030303030303',
  ],
  [{ type: 'same', round: 3 }, '920503'],
  [
    { type: 'vectors', reply: true, buckets: [[DEFAULT_BUCKET, vector]] },
    '9306c392a764656661756c7494b541414141414141414141414141414141414141414194010403cd0124b5424242424242424242424242424242424242424242920200',
  ],
  [
    {
      type: 'deltaRequest',
      request: 9,
      bucket: DEFAULT_BUCKET,
      vector,
      floor: new VersionVector(),
      horizon: NOW + 60_000,
      credit: 8,
    },
    '970709a764656661756c7494b541414141414141414141414141414141414141414194010403cd0124b542424242424242424242424242424242424242424292020090cf0000018bcfe6526008',
  ],
  [
    {
      type: 'chunk',
      request: 9,
      n: 0,
      entries: [...ops].reverse(),
      claims: new VersionVector([[B, [3, 4, 6, 6]]]),
      exact: false,
      last: true,
      heldUntil: 0,
      seenUpTo: STAMP_ZERO,
    },
    '9a08090092b5414141414141414141414141414141414141414141b54242424242424242424242424242424242424242429c00cd012fcf018bcfe568000008a2c3a9c0940092cd012c000192020000cd012dcf018bcfe568000007a2c3a9c4023432c092909403010200c2c300cf0000000000000000',
  ],
  [{ type: 'credit', request: 9, chunks: 1 }, '93090901'],
  [{ type: 'cancel', request: 9, reason: 'no' }, '930a09a26e6f'],
  [{ type: 'below', request: 9 }, '920b09'],
  [{ type: 'ping', id: 1, clock: NOW }, '930c01cf0000018bcfe56800'],
  [{ type: 'pong', id: 1, clock: NOW }, '930d01cf0000018bcfe56800'],
  [
    { type: 'peers', addresses: [{ url: 'http://a:1', id: P, name: 'a' }] },
    '920e93aa687474703a2f2f613a31b5505050505050505050505050505050505050505050a161',
  ],
  [{ type: 'ack', bytes: 262_144 }, '920fce00040000'],
  [
    {
      type: 'compare',
      request: 4,
      n: 1,
      bucket: DEFAULT_BUCKET,
      blocks: [
        { origin: A, level: 1, index: 0, sum: short(1) },
        { origin: A, level: 1, index: 1, sum: short(2) },
        { origin: A, level: 1, index: 3, sum: short(3) },
        { origin: B, level: 1, index: 4, sum: short(4) },
      ],
    },
    '96100401a764656661756c7492b5414141414141414141414141414141414141414141b54242424242424242424242424242424242424242429c000100c41001010101010101010202020202020202000103c4080303030303030303010104c4080404040404040404',
  ],
  [
    { type: 'differ', request: 4, n: 0, blocks: [0, 1, 300], start: { vector, floor: new VersionVector() } },
    '95110400930001cd012b9294b541414141414141414141414141414141414141414194010403cd0124b542424242424242424242424242424242424242424292020090',
  ],
  [
    {
      type: 'listing',
      request: 4,
      n: 2,
      bucket: DEFAULT_BUCKET,
      items: [{ origin: A, seq: 7, stamp: stampAt(NOW), key: 'k', digest: short(5) }],
    },
    '96120402a764656661756c7491b5414141414141414141414141414141414141414141950007cf018bcfe568000000a16bc4080505050505050505',
  ],
  [
    { type: 'answer', request: 4, n: 2, drop: [2, 4], entries: ops, answered: 5 },
    '9713040292020292b5414141414141414141414141414141414141414141b54242424242424242424242424242424242424242429c00cd012dcf018bcfe568000007a2c3a9c4023432c000cd012fcf018bcfe568000008a2c3a9c0940092cd012c000192020005',
  ],
  [
    {
      type: 'roster',
      full: true,
      members: [{ peer: P, number: stampAt(NOW), evictedUpTo: stampAt(0), downUpTo: stampAt(NOW) }],
    },
    '9314c394b5505050505050505050505050505050505050505050cf018bcfe56800000000cf018bcfe568000000',
  ],
  [
    {
      type: 'members',
      records: [
        {
          peer: P,
          name: 'one',
          url: 'http://one:1',
          number: stampAt(NOW),
          origins: [A, B],
          vectors: [[DEFAULT_BUCKET, vector]],
          evictedUpTo: stampAt(0),
          downUpTo: stampAt(0),
        },
      ],
    },
    '931592b5414141414141414141414141414141414141414141b542424242424242424242424242424242424242424298b5505050505050505050505050505050505050505050a36f6e65cf018bcfe56800000092000192a764656661756c74940094010403cd01240192020000ac687474703a2f2f6f6e653a3100',
  ],
];

describe('the wire', () => {
  test.each(WIRE.map(([message, bytes]) => [message.type, message, bytes] as const))(
    '%s',
    (_, message, bytes) => {
      expect(toHex(encodeMessage(message))).toBe(bytes);
      expect(toHex(encodeMessage(decodeMessage(new Uint8Array(Buffer.from(bytes, 'hex')))))).toBe(bytes);
    },
  );

  test('all types are here', () => {
    expect(WIRE.map(([message]) => encodeMessage(message)[1])).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
  });
});
