import { describe, expect, test } from '@jest/globals';
import { toHex, utf8 } from '../../../src/base/bytes.js';
import { DEFAULT_BUCKET, type OriginId, type PeerId, type SessionId } from '../../../src/base/ids.js';
import { stampAt } from '../../../src/data/stamp.js';
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
const digest = { bucket: DEFAULT_BUCKET, vectorHash: hash(1), stateHash: hash(2) };
const op = { origin: A, seq: 301, stamp: stampAt(NOW, 7), key: 'é', value: utf8('42') };
const ops = [op, { ...op, seq: 303, stamp: stampAt(NOW, 8), value: null }];

/** One of each type, and the bytes that every version of this protocol writes for it. */
const WIRE: readonly (readonly [Message, string])[] = [
  [
    {
      type: 'hello',
      protocol: [1, 1],
      cluster: 'rumeur',
      peer: 'PPPPPPPPPPPPPPPPPPPPP' as PeerId,
      session: 'SSSSSSSSSSSSSSSSSSSSS' as SessionId,
      name: 'one',
      url: null,
      clock: NOW,
      version: '0.1.0',
      buckets: [{ ...digest, policy: 'lww' }],
    },
    '9a01920101a672756d657572b5505050505050505050505050505050505050505050b5535353535353535353535353535353535353535353a36f6e65c0cf0000018bcfe56800a5302e312e3094a764656661756c74a36c7777c41001010101010101010101010101010101c41002020202020202020202020202020202',
  ],
  [{ type: 'goodbye', code: 'LEAVING', reason: 'bye' }, '9302a74c454156494e47a3627965'],
  [
    { type: 'push', bucket: DEFAULT_BUCKET, origin: A, lo: 301, hi: 303, body: packOps(ops) },
    '9603a764656661756c74b5414141414141414141414141414141414141414141cd012dcd012fc42498cd012dcf018bcfe568000007a2c3a9c4023432cd012fcf018bcfe568000008a2c3a9c0',
  ],
  [
    { type: 'digest', round: 3, buckets: [digest] },
    '93040393a764656661756c74c41001010101010101010101010101010101c41002020202020202020202020202020202',
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
    },
    '9908090092b5414141414141414141414141414141414141414141b54242424242424242424242424242424242424242429a00cd012fcf018bcfe568000008a2c3a9c000cd012dcf018bcfe568000007a2c3a9c402343292909403010200c2c300',
  ],
  [{ type: 'credit', request: 9, chunks: 1 }, '93090901'],
  [{ type: 'cancel', request: 9, reason: 'no' }, '930a09a26e6f'],
  [{ type: 'below', request: 9 }, '920b09'],
  [{ type: 'ping', id: 1, clock: NOW }, '930c01cf0000018bcfe56800'],
  [{ type: 'pong', id: 1, clock: NOW }, '930d01cf0000018bcfe56800'],
  [
    { type: 'peers', addresses: [{ url: 'http://a:1', id: 'PPPPPPPPPPPPPPPPPPPPP' as PeerId, name: 'a' }] },
    '920e93aa687474703a2f2f613a31b5505050505050505050505050505050505050505050a161',
  ],
  [{ type: 'ack', bytes: 262_144 }, '920fce00040000'],
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
      Array.from({ length: 15 }, (_, i) => i + 1),
    );
  });
});
