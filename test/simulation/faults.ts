import type { Random } from '../../src/base/random.js';
import type { World } from './world.js';

const HOUR_MS = 3_600_000;

/** One thing that may happen to a world. Returns whether it could be done. */
type Act = (world: World) => boolean;

/** Writes of peers that are picked at random, to few keys, so that they conflict. */
export function write(world: World): void {
  const { random } = world;
  const peer = random.pick(world.running);
  if (!peer) return;
  const burst = random.float() < 0.03 ? 25 : 1;
  for (let i = 0; i < burst; i++) {
    const key = `k${random.integer(1, world.keys)}`;
    if (random.float() < 0.2) peer.delete(key);
    else peer.set(key, `v${world.steps}`);
  }
}

/** Every kind of fault, and how often it happens beside the others. */
const FAULTS: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  breakLink: [10, onNetwork((world) => world.network.breakLink())],
  halfOpen: [5, onNetwork((world) => world.network.halfOpen())],
  cut: [6, cut],
  heal: [5, onNetwork((world) => world.network.heal())],
  crash: [5, (world) => onPeer(world, 2, (peer) => peer.crash())],
  leave: [3, (world) => onPeer(world, 2, (peer) => peer.leave())],
  start: [8, start],
  wipe: [
    1,
    (world) =>
      onPeer(world, 3, (peer) => {
        peer.wipe();
        peer.start();
      }),
  ],
  restoreOld: [
    1,
    (world) =>
      onPeer(world, 3, (peer) => {
        peer.restoreOld();
        peer.start();
      }),
  ],
  join: [2, join],
  skew: [2, skew],
  setRight: [2, setRight],
};

function onNetwork(act: (world: World) => void): Act {
  return (world) => {
    act(world);
    return true;
  };
}

/** Does something to a running peer, if at least `least` of them run. */
function onPeer(world: World, least: number, act: (peer: World['peers'][number]) => void): boolean {
  const peer = world.random.pick(world.running);
  if (!peer || world.running.length < least) return false;
  act(peer);
  return true;
}

function cut(world: World): boolean {
  const [a, b] = [world.random.pick(world.peers), world.random.pick(world.peers)];
  if (!a || !b || a === b) return false;
  world.network.cut(a, b);
  return true;
}

function start(world: World): boolean {
  const peer = world.random.pick(world.peers.filter((p) => !p.running));
  peer?.start();
  return peer !== undefined;
}

/** A newcomer that names one peer, and writes before it has met anybody. */
function join(world: World): boolean {
  const friend = world.random.pick(world.peers);
  if (!friend || world.peers.length >= 7) return false;
  world.addPeer({ peers: [friend.url], discovery: world.random.float() < 0.7 }).set('k1', 'joined');
  return true;
}

/** One clock goes wrong at a time, by up to two hours either way: with most of them wrong nobody can say which. */
function skew(world: World): boolean {
  if (world.peers.some((peer) => peer.options.skewMs !== 0)) return false;
  return onPeer(world, 3, (peer) => {
    const bound = world.random.pick([1_000, 70_000, 2 * HOUR_MS]) ?? 0;
    peer.options.skewMs = world.random.integer(-bound, bound);
  });
}

function setRight(world: World): boolean {
  const wrong = world.peers.filter((peer) => peer.options.skewMs !== 0);
  for (const peer of wrong) peer.options.skewMs = 0;
  return wrong.length > 0;
}

export const FAULT_NAMES = Object.keys(FAULTS);

/** Each world has faults of its own: rare ones meet more often than if all of them happened everywhere (Groce et al., "Swarm testing", 2012). */
export function drawFaults(random: Random): string[] {
  return FAULT_NAMES.filter((name) => random.float() < (name === 'restoreOld' ? 0.15 : 0.6));
}

/** Does one of the named faults, by their weights. */
export function disturb(world: World, names: readonly string[]): void {
  const total = names.reduce((sum, name) => sum + (FAULTS[name]?.[0] ?? 0), 0);
  let dice = world.random.float() * total;
  for (const name of names) {
    const fault = FAULTS[name];
    if (!fault) continue;
    dice -= fault[0];
    if (dice >= 0) continue;
    if (fault[1](world)) world.count(name);
    return;
  }
}
