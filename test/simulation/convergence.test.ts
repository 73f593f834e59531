import { describe, expect, test } from '@jest/globals';
import { compareEntries } from '../../src/data/entry.js';
import { BUCKET, World } from './world.js';

const SEEDS = Number(process.env['RUMEUR_SEEDS'] ?? 150);
const FIRST = Number(process.env['RUMEUR_SEED'] ?? 1);

/** Breaks things for a while, heals, and demands what must always hold. */
function live(seed: number): World {
  const world = new World(seed, { duplicates: 0.05 });
  const { random } = world;
  const count = random.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const peers = i === 0 ? [] : [`http://peer-${random.integer(1, i)}:1`];
    world.addPeer({ peers, discovery: random.float() < 0.7 });
  }
  for (let i = 0; i < 120; i++) {
    disturb(world, i);
    world.run(world.now + random.float() * 200);
    if (i % 10 === 0) world.checkCoverage();
  }
  world.heal();
  for (const peer of world.peers) if (!peer.running) peer.start();
  return world;
}

function disturb(world: World, i: number): void {
  const { random } = world;
  const peer = random.pick(world.peers);
  if (!peer) return;
  const dice = random.float();
  if (dice < 0.66) {
    const key = `k${random.integer(1, 12)}`;
    if (random.float() < 0.2) peer.delete(key);
    else peer.set(key, `v${i}`);
  } else if (dice < 0.8) world.breakLink();
  else if (dice < 0.86) {
    const other = random.pick(world.peers);
    if (other && other !== peer) world.cut(peer, other);
  } else if (dice < 0.91) world.heal();
  else if (dice < 0.96) {
    if (peer.running) peer.crash();
    else peer.start();
  } else if (dice < 0.97 && world.peers.filter((p) => p.running).length > 2) {
    peer.wipe();
    peer.start();
  }
}

describe('simulated peers', () => {
  test(`converge after every kind of fault (${SEEDS} seeds from ${FIRST})`, () => {
    let work = 0;
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      try {
        const world = live(seed);
        const healedAt = world.now;
        const settled = world.run(healedAt + 120_000, () => world.isEqual && allLinked(world));
        if (!settled)
          throw new Error(
            `not equal 120 s after healing:\n${world.peers.map((p) => p.stateText()).join('\n')}`,
          );
        world.checkCoverage();
        checkAcknowledged(world);
        checkNoDivergence(world);
        work += world.log.length;
      } catch (error) {
        throw new Error(`seed ${seed} (replay: RUMEUR_SEED=${seed} RUMEUR_SEEDS=1): ${String(error)}`, {
          cause: error,
        });
      }
    }
    // An idle run must not pass.
    expect(work).toBeGreaterThan(SEEDS * 30);
  });

  test('the same seed gives the same run', () => {
    const text = (): string => {
      const world = live(7);
      return world.peers.map((peer) => `${peer.stateText()} ${world.steps}`).join('\n');
    };
    expect(text()).toBe(text());
  });
});

const allLinked = (world: World): boolean =>
  world.peers.every((peer) => world.peers.length === 1 || peer.replica.core.links.size > 0);

/** No acknowledged write is lost: everywhere it stands, or a greater one of its key does. */
function checkAcknowledged(world: World): void {
  for (const op of world.peers.flatMap((peer) => peer.acknowledged)) {
    for (const { url, storage } of world.peers) {
      const held = storage.get(BUCKET, op.key);
      if (!held || compareEntries(held, op) < 0) {
        throw new Error(`acknowledged ${op.origin}.${op.seq} of '${op.key}' is lost at ${url}`);
      }
    }
  }
}

function checkNoDivergence(world: World): void {
  for (const peer of world.peers) {
    const note = peer.notes.find(({ event }) => event === 'divergence');
    if (note) throw new Error(`${peer.url}: ${note.message}`);
  }
}
