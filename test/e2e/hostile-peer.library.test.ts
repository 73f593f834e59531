import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { BucketName, OriginId } from '../../src/base/ids.js';
import type { Stamp } from '../../src/data/stamp.js';
import { Peer } from '../../src/index.js';
import { packOps } from '../../src/protocol/codec.js';
import { eventually } from '../tools/eventually.js';
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

  test('a value that is no JSON is an error for who reads it, not the end of the peer', async () => {
    const changes = peer.watch();
    await peer.set('sound', 1);
    const origin = nanoid<OriginId>();
    const stamp = (BigInt(Date.now()) << 16n) as Stamp;
    const body = packOps([{ origin, seq: 1, stamp, key: 'no json', value: Buffer.from('{"a":') }]);
    raw.send({ type: 'push', bucket: 'default' as BucketName, origin, lo: 1, hi: 1, body });
    expect(await changes.next()).toMatchObject({ value: { key: 'sound', value: 1 } });
    await expect(changes.next()).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await changes.next()).toMatchObject({ done: true });

    await expect(peer.get('no json')).rejects.toMatchObject({ code: 'INTERNAL' });
    const again = peer.watch();
    await peer.set('no json', 'repaired');
    expect(await again.next()).toMatchObject({ value: { key: 'no json', value: 'repaired' } });
    await eventually('all is well', () => !peer.status().readOnly);
  });
});
