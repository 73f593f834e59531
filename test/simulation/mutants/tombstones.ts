import type { BucketName } from '../../../src/base/ids.js';
import { highest, type Intervals } from '../../../src/data/intervals.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { isDown, type MemberRecord } from '../../../src/protocol/members.js';
import type { Message } from '../../../src/protocol/messages.js';
import type { Replica } from '../../../src/replica/replica.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import type { World } from '../../../simulator/world.js';
import type { Action } from '../plan/plan.js';
import { around, bucketOf, buckets, LOST, messages, type Mutant, peers, planned, story } from './mutant.js';

type Row = readonly [MemberRecord, VersionVector];

/** Rewrites what a peer believes that members have announced, given what it covers itself. */
function announced(
  change: (vector: VersionVector, own: VersionVector) => VersionVector,
): (world: World) => void {
  return peers(() => ({
    replica: (replica) => {
      const { members } = replica;
      const truly = members.announced.bind(members);
      Object.assign(members, {
        announced: (name: BucketName): Row[] => {
          const own = replica.core.buckets.get(name)?.vector ?? new VersionVector();
          return [...truly(name)].map(([record, vector]): Row => [record, change(vector, own)]);
        },
      });
    },
  }));
}

const union = (a: VersionVector, b: VersionVector): VersionVector => {
  const both = a.clone();
  both.merge(b);
  return both;
};

/** Another way for the floor to rise. */
const floors = (
  raise: (floor: VersionVector, ...added: Parameters<VersionVector['addAll']>) => void,
): Mutant['sabotage'] =>
  buckets(({ floor }) => {
    Object.assign(floor, {
      addAll: (...added: Parameters<VersionVector['addAll']>) => raise(floor, ...added),
    });
  });

const FADING = ['evict', 'cut', 'heal', 'crash', 'start', 'restore', 'backUp', 'join'];
const SOON = { announceMs: 100, membersOnly: false, evictAfterMs: 7 * 86_400_000 };

/** Peer 2 is cut off with `k0`, and evicted; the others delete it, and the tombstone goes. */
const STRAGGLER = [
  { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
  {
    at: 3000,
    do: 'cut',
    how: 'drop',
    ways: [
      [0, 2],
      [2, 0],
      [1, 2],
      [2, 1],
    ],
  },
  { at: 4000, peer: 0, do: 'evict', other: 2 },
  { at: 6000, peer: 1, bucket: 'a', do: 'delete', key: 'k0' },
] as const;

/** A neighbour says that all whom it has no link to are down. */
function saysTheAbsentAreDown(message: Message, { replica }: SimPeer): Message {
  if (message.type !== 'members' || message.records.length !== 1) return message;
  const linked = new Set([...replica.core.links.values()].map(({ hello }) => hello?.peer));
  const absent = [...replica.members.all()].filter(
    ({ peer }) => peer !== replica.peerId && !linked.has(peer) && peer !== message.records[0]?.peer,
  );
  const down = absent.map((record) => ({ ...record, downUpTo: record.number }));
  return { ...message, records: [...message.records, ...down] };
}

function forgetsTheDown({ members }: Replica): void {
  const truly = members.counted.bind(members);
  Object.assign(members, { counted: () => truly().filter((record) => !isDown(record)) });
}

/** Peer 0 writes and deletes, half of which arrives, and crashes with all of it: what is left of its origins has holes. */
const LOST_TAILS = [4000, 8000, 12_000].flatMap((at): Action[] => [
  ...['k0', 'k1', 'k2', 'k3'].flatMap((key, n): Action[] => [
    { at, peer: 0, bucket: 'a', do: 'set', key, n },
    { at, peer: 0, bucket: 'a', do: 'delete', key },
  ]),
  { at: at + 100, peer: 0, do: 'crash', kept: 0, silent: false },
  { at: at + 500, peer: 0, do: 'start' },
]);

/** Rule 17 left out: once, a peer forgets an origin that nobody writes under, of which nothing stands, and which all members cover alike. */
function forgets(world: World): void {
  world.sabotage = {
    replica: (replica) => {
      const forgotten = new Set<string>();
      around(replica, {
        step: (step) => {
          if (!step.persist) prune(world, replica, forgotten);
          return step;
        },
      });
    },
  };
}

function prune(world: World, replica: Replica, forgotten: Set<string>): void {
  const own = world.running.find((peer) => peer.replica === replica);
  if (!own) return;
  const { name, vector } = bucketOf(own);
  const counted = new Set(replica.members.counted().map(({ peer }) => peer));
  const members = world.running.filter((peer) => counted.has(peer.replica.peerId));
  const isOpen = (origin: string): boolean =>
    world.running.some((peer) => peer.replica.core.origin === origin);
  for (const [origin, set] of [...vector.entries()]) {
    if (forgotten.has(origin) || isOpen(origin) || members.length < 2) continue;
    const isSettled = (peer: SimPeer): boolean =>
      bucketOf(peer).vector.get(origin).join() === set.join() &&
      [...peer.storage.dots(name, origin, 1, Number.MAX_SAFE_INTEGER, 'rising')].length === 0;
    if (!members.every(isSettled)) continue;
    for (const { replica: other } of members) other.core.buckets.get(name)?.vector.removeAll(origin, set);
    forgotten.add(origin);
  }
}

/** Rules 6, 10, 11, 14 and 17. */
export const TOMBSTONE_MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 6: the floor is not checked',
    plan: story(STRAGGLER),
    sabotage: messages((message, _, to) =>
      message.type === 'deltaRequest' && bucketOf(to).floor.size > 0
        ? { ...message, floor: union(message.floor, bucketOf(to).floor) }
        : message,
    ),
    found: LOST,
  },
  {
    name: 'rule 10: a tombstone goes before members have announced that they have it',
    faults: FADING,
    draw: { setup: SOON },
    sabotage: announced(union),
    found: /^drop: .* has not announced it$/,
  },
  {
    name: 'rule 10: a tombstone goes although members cover what we do not',
    faults: FADING,
    draw: { setup: SOON },
    sabotage: announced((vector, own) => vector.intersect(own)),
    found: /^drop: .* covers what it does not cover itself$/,
  },
  {
    name: 'rule 10: announcements are not flushed',
    faults: ['crash', 'start', 'cut', 'heal'],
    draw: { setup: { announceMs: 100 } },
    sabotage: peers(() => ({ flushesInWords: true })),
    found: /^announcement: /,
  },
  {
    name: 'rule 10: who is down is not waited for',
    plan: story([...STRAGGLER.slice(0, 2), { at: 6000, peer: 1, bucket: 'a', do: 'delete', key: 'k0' }]),
    sabotage: (world) => {
      peers(() => ({ replica: forgetsTheDown }))(world);
      messages(saysTheAbsentAreDown)(world);
    },
    found: /^drop: .* has not announced it$/,
  },
  {
    name: 'rule 11: a drop does not raise the floor',
    plan: story(STRAGGLER),
    sabotage: floors(() => undefined),
    found: LOST,
  },
  {
    name: 'rule 11: the floor is the greatest dropped seq of each origin',
    plan: story(LOST_TAILS, {
      lostPushes: 0.5,
      peers: planned(3).map((peer) => ({ ...peer, flushMs: [900, 900] })),
    }),
    sabotage: floors((floor, origin, set: Intervals) => floor.add(origin, 1, highest(set))),
    found: /^floor: .* which it does not cover$/,
  },
  {
    name: 'rule 14: who is empty is not told the floor',
    plan: story([
      ...STRAGGLER,
      { at: 12_000, do: 'join', as: { ...planned(1)[0], friends: [0] } },
    ] as Parameters<typeof story>[0]),
    sabotage: messages((message) =>
      message.type === 'differ' && message.start && message.blocks.length === 0
        ? { ...message, start: { ...message.start, floor: new VersionVector() } }
        : message,
    ),
    found: /^(unequal|storm): /,
  },
  {
    name: 'rule 17: an origin is forgotten of which nothing stands anywhere',
    plan: story([
      { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      ...STRAGGLER.slice(1, 3),
      { at: 4500, peer: 0, do: 'crash', kept: 1, silent: false },
      { at: 5000, peer: 0, do: 'start' },
      ...STRAGGLER.slice(3),
      { at: 20_000, do: 'heal' },
    ]),
    sabotage: forgets,
    found: /^revived: /,
  },
];
