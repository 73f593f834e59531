import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

/** The path of the course that Rumeur grew out of, typed as its students type it. */
describe('the course', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(() => cluster.stop());

  test('a value set at one peer is read at the other; a third joins later and holds everything', async () => {
    const [p1 = 0, p2 = 0, p3 = 0] = await freePorts(3);
    const one = await cluster.start('config1', { port: p1, peers: [p2] });
    const two = await cluster.start('config2', { port: p2, peers: [p1] });
    await one.connected(1);

    expect(await one.cli('set', 'MonChamp', '42')).toEqual({ code: 0, stdout: 'OK\n', stderr: '' });
    await eventually('peer 2 has it', async () => (await two.get('MonChamp')) === 42);
    expect(await two.cli('get', 'MonChamp')).toEqual({ code: 0, stdout: '42\n', stderr: '' });

    const three = await cluster.start('config3', { port: p3, peers: [`localhost:${p1}`] });
    await three.connected(2);
    await eventually('peer 3 has it', async () => (await three.get('MonChamp')) === 42);

    // Whichever peer takes the set and whichever the get.
    const peers = [one, two, three];
    for (const [i, writer] of peers.entries()) {
      expect((await writer.cli('set', 'Ville', `Lyon ${i}`)).stdout).toBe('OK\n');
      for (const reader of peers) {
        await eventually('the value has arrived', async () => (await reader.get('Ville')) === `Lyon ${i}`);
        expect((await reader.cli('get', 'Ville')).stdout).toBe(`Lyon ${i}\n`);
      }
    }
    await cluster.converged();
    expect((await three.cli('keys')).stdout).toBe('MonChamp\nVille\n');
  });

  test('addPeer takes effect now and survives a restart; removePeer keeps a peer out until addPeer', async () => {
    const [p1 = 0, p2 = 0] = await freePorts(2);
    const one = await cluster.start('one', { port: p1 });
    const two = await cluster.start('two', { port: p2 });
    await one.set('here', 1);
    expect(await two.cli('addPeer', `localhost:${p1}`)).toEqual({ code: 0, stdout: 'OK\n', stderr: '' });
    await eventually('two has what one had', async () => (await two.get('here')) === 1);

    await two.kill('SIGTERM');
    await one.set('while away', 2);
    await two.start();
    await eventually('two is linked again', async () => (await two.get('while away')) === 2);

    expect((await one.cli('removePeer', two.id)).stdout).toBe('OK\n');
    await eventually('the link is gone', async () =>
      (await one.getPeers()).every(({ state }) => state !== 'connected'),
    );
    await one.kill('SIGTERM');
    await one.start();
    // Two goes on dialling one; what it writes stays out.
    await eventually('two was refused', () => two.log.includes('PEER_REFUSED'));
    await two.set('kept out', 3);
    expect((await one.getPeers()).filter(({ state }) => state === 'connected')).toEqual([]);
    expect(await one.get('kept out')).toBeNull();

    expect((await one.cli('addPeer', `127.0.0.1:${p2}`)).stdout).toBe('OK\n');
    await eventually('two is let in again', async () => (await one.get('kept out')) === 3);
  });

  test('a newcomer that names one peer is linked to all, unless discovery is off', async () => {
    const one = await cluster.start('one', { port: 0 });
    const two = await cluster.start('two', { port: 0, peers: [one.url] });
    const three = await cluster.start('three', { port: 0, peers: [two.url] });
    const four = await cluster.start('four', { port: 0, peers: [three.url] });
    for (const peer of [one, two, three, four]) await peer.connected(3);
    const hermit = await cluster.start('hermit', { port: 0, peers: [one.url], gossip: { discovery: false } });
    await hermit.set('by', 'the hermit');
    await eventually('it is heard', async () => (await four.get('by')) === 'the hermit');
    expect((await hermit.getPeers()).filter(({ direction }) => direction === 'out')).toHaveLength(1);
  });
});
