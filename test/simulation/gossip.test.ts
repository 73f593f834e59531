import { describe, expect, test } from '@jest/globals';
import { lossOf, type Strategy } from '../../simulator/experiment/cluster.js';
import { runCrash } from '../../simulator/experiment/crash.js';
import { runSteady } from '../../simulator/experiment/steady.js';

const TREES: Strategy = { kind: 'tree' };
/** The first round of anti-entropy is after half of this at the earliest: when all has been written. */
const NO_ROUND_MS = 60_000;

/** The goals of docs/GOSSIP.md, in clusters that are small enough for every run of the tests. */
describe('broadcast trees', () => {
  test('in a mesh of 16 each write crosses each peer once after the first', () => {
    const mesh = {
      seed: 1,
      strategy: TREES,
      peers: 16,
      degree: 'mesh',
      writers: 8,
      warmUp: 1,
      writes: 2,
    } as const;
    const { steady } = runSteady(mesh);
    expect(steady.reached).toBe(1);
    expect(steady.stretch.redundancy).toBeLessThanOrEqual(0.1);
    expect(steady.stretch.needed).toBe(16 * 15);
  });

  test('in a sparse graph hardly a write comes twice once trees have grown, and ways are short', () => {
    const graph = { seed: 1, peers: 60, degree: 6, writers: 6, writes: 2 };
    const { steady } = runSteady({ ...graph, strategy: TREES, warmUp: 5 });
    expect(steady.reached).toBe(1);
    expect(steady.stretch.redundancy).toBeLessThanOrEqual(0.1);
    expect(steady.stretch.hops.last).toBeLessThan(8);
    const flooded = runSteady({ ...graph, strategy: { kind: 'flood' }, warmUp: 0 });
    // Over each link but those on which it came first a write goes both ways.
    expect(flooded.steady.stretch.redundancy).toBeGreaterThan(3.9);
  });

  test('with 2% of all messages lost nearly everything comes before anti-entropy', () => {
    const graph = { seed: 1, strategy: TREES, peers: 60, degree: 6, writers: 6, warmUp: 4, writes: 4 };
    const { steady, convergenceMs } = runSteady({ ...graph, lost: lossOf(0.02), antiEntropyMs: NO_ROUND_MS });
    expect(steady.reached).toBeGreaterThanOrEqual(0.999);
    expect(steady.traffic.messages['graft']).toBeGreaterThan(0);
    expect(convergenceMs).not.toBeNull();
  });

  test('with every announcement, graft and prune lost, and pushes with them, all converge', () => {
    const graph = { seed: 1, strategy: TREES, peers: 30, degree: 5, writers: 6, warmUp: 2, writes: 2 };
    const { convergenceMs } = runSteady({ ...graph, lost: { have: 1, graft: 1, prune: 1, push: 0.1 } });
    expect(convergenceMs).not.toBeNull();
  });

  test('when half of a crowd crashes, what is written at that moment reaches all others within two rounds', () => {
    const crowd = { seed: 1, strategy: TREES, peers: 36, meshPeers: 16, crash: 0.5, silent: false };
    const { reached, healed } = runCrash(crowd);
    expect(reached.at(-1)).toEqual({ afterMs: 2000, share: 1 });
    expect(healed).toEqual({ pushed: 1, share: 1 });
  });
});
