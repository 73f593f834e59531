import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import type { Stamp } from '../../src/data/stamp.js';
import { Peer } from '../../src/index.js';
import { packOps } from '../../src/protocol/codec.js';
import { RawPeer } from '../tools/raw-peer.js';

describe('a hostile peer, before a program that embeds ours', () => {
  let peer: Peer;
  let raw: RawPeer;
  beforeEach(async () => {
    peer = await Peer.open({ port: 0, storage: 'memory', log: { level: 'silent' } });
    raw = await RawPeer.join(peer.url);
  });
  afterEach(async () => {
    raw.destroy();
    await peer.close();
  });

  test('a value that is no JSON stops at the door: its link ends, and watches go on', async () => {
    const changes = peer.watch();
    const origin = nanoid<OriginId>();
    const stamp = (BigInt(Date.now()) << 16n) as Stamp;
    const body = packOps([{ origin, seq: 1, stamp, key: 'no json', value: Buffer.from('{"a":') }]);
    raw.send({ type: 'push', hops: 1, bucket: 'default' as BucketName, origin, lo: 1, hi: 1, body });
    expect(await raw.hears('goodbye')).toMatchObject({ code: 'PROTOCOL_MISMATCH' });
    await raw.ends();

    expect(await peer.get('no json')).toBeUndefined();
    await peer.set('no json', 'sound');
    expect(await changes.next()).toMatchObject({ value: { key: 'no json', value: 'sound' } });
  });
});
