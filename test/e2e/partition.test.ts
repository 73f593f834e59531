import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster, type PeerProcess } from '../tools/peer-process.js';
import { Proxy } from '../tools/proxy.js';

describe('two peers cut from each other', () => {
  let cluster: Cluster;
  const proxies: Proxy[] = [];
  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(async () => {
    await cluster.stop();
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });

  test('take different values for one key, 15 times over, and agree on one each time', async () => {
    const gossip = { discovery: false, dialBackoffMs: [20, 100] as [number, number] };
    const left = await cluster.start('left', { port: 0, gossip });
    const proxy = await Proxy.to(Number(new URL(left.url).port));
    proxies.push(proxy);
    const right = await cluster.start('right', { port: 0, peers: [proxy.port], gossip });
    const beside = await cluster.start('beside', { port: 0, peers: [right.url], gossip });
    await right.connected(2);

    for (let round = 0; round < 15; round++) {
      proxy.cut();
      await isolated(left);
      // Either side may be the last to write, and writes other keys beside.
      const order = round % 2 === 0 ? [left, right] : [right, left];
      for (const [i, peer] of order.entries()) {
        await peer.set('contested', `${round} by ${peer.name}`);
        await peer.set(`only ${peer.name} ${round}`, i);
        if (round % 3 === 0) await peer.value('delete', `only ${peer.name} ${round - 1}`);
      }
      proxy.heal();
      const hash = await cluster.converged();
      const values = await Promise.all([left, right, beside].map((peer) => peer.get('contested')));
      expect(new Set(values).size).toBe(1);
      expect(values[0]).toBe(`${round} by ${order[1]?.name ?? ''}`);
      expect(hash).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(await left.get('only right 14')).toBe(1);
  });
});

const isolated = (peer: PeerProcess): Promise<boolean> =>
  eventually('the cut is noticed', async () =>
    (await peer.getPeers()).every(({ state }) => state !== 'connected'),
  );
