import { dotToText } from '../../../src/data/dot.js';
import type { StoredState } from '../../../src/replica/batch.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../../src/protocol/codec.js';
import type { MissingEntry } from '../../../src/protocol/messages.js';
import type { World } from '../../../simulator/world.js';
import { around, bucketOf, buckets, messages, type Mutant, peers, planned, story } from './mutant.js';

/** Whoever is damaged serves deltas with claims all the same. */
const claimsWhileDamaged = peers((world) => ({
  replica: (replica) =>
    around(replica, {
      step: (step) => {
        const own = world.peers.find((peer) => peer.replica === replica);
        if (!own || bucketOf(own).damages.size === 0) return step;
        const sends = step.sends.map(({ link, bytes }) => {
          const message = decodeMessage(bytes);
          if (message.type !== 'chunk' || !message.exact) return { link, bytes };
          const changed = { ...message, exact: false, heldUntil: 0, claims: bucketOf(own).vector.clone() };
          return { link, bytes: encodeMessage(changed) };
        });
        return { ...step, sends };
      },
    }),
}));

/** The process that opens a damaged store learns of the marks only after it has looked for its last write. */
function forgetsMarks(world: World): void {
  let found: StoredState | undefined;
  world.sabotage = {
    opened: (stored) => {
      found = stored;
      const rows = [...stored.buckets].map(([name, row]) => [name, { ...row, damages: [] }] as const);
      return { ...stored, buckets: new Map(rows) };
    },
    replica: ({ core }) => {
      for (const [name, { damages }] of found?.buckets ?? []) {
        for (const mark of damages) core.buckets.get(name)?.damages.set(dotToText(mark), mark);
      }
    },
  };
}

/** Whoever is damaged vouches for all that it is asked about and covers, whatever it has lost under that very key. */
const vouchesForAll = (world: World): void => {
  const named = new Map<string, readonly MissingEntry[]>();
  messages((message, from, to) => {
    if (message.type === 'deltaRequest')
      named.set(`${from.url} ${to.url} ${message.request}`, message.missing ?? []);
    if (message.type !== 'chunk' || !message.exact || !message.last) return message;
    const { vector } = bucketOf(from);
    const lost = named.get(`${to.url} ${from.url} ${message.request}`) ?? [];
    const claims = new VersionVector();
    for (const { origin, seq } of lost) if (vector.covers({ origin, seq })) claims.add(origin, seq, seq);
    return { ...message, claims };
  })(world);
};

/** Every way between three peers is cut. */
const ALONE = {
  do: 'cut',
  how: 'drop',
  ways: [
    [0, 1],
    [1, 0],
    [0, 2],
    [2, 0],
    [1, 2],
    [2, 1],
  ],
} as const;

/** Rule 15. */
export const DAMAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 15: a damaged row is uncovered, and no mark is left',
    faults: ['flip', 'cut', 'heal'],
    draw: { keys: 2, setup: { auditMs: 500 } },
    sabotage: buckets(({ damages }) => {
      Object.assign(damages, { set: () => damages });
    }),
    found: /^coverage: /,
  },
  {
    name: 'rule 15: claims are made while a row is missing',
    faults: ['flip', 'cut', 'heal', 'breakLink'],
    draw: { keys: 2, setup: { auditMs: 500 } },
    sabotage: claimsWhileDamaged,
    found: /^damaged-claims: /,
  },
  {
    name: 'rule 15: a damaged peer vouches for a key of which it has lost what superseded the rest',
    plan: story(
      [
        { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
        // The second and the third peer have the next write, the first one has not; the second loses it.
        { at: 4000, ...ALONE, ways: ALONE.ways.slice(0, 4) },
        { at: 5000, peer: 1, bucket: 'a', do: 'set', key: 'k0', n: 2 },
        { at: 8000, ...ALONE },
        { at: 8500, peer: 0, do: 'flip', bucket: 'a', key: 'k0', what: 'value' },
        { at: 8500, peer: 1, do: 'flip', bucket: 'a', key: 'k0', what: 'value' },
        { at: 8600, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 3 },
        { at: 8600, peer: 1, bucket: 'a', do: 'set', key: 'k0', n: 4 },
        { at: 8700, peer: 2, do: 'leave' },
        { at: 8800, do: 'heal' },
        { at: 15_000, peer: 2, do: 'start' },
      ],
      { peers: planned(3) },
    ),
    sabotage: vouchesForAll,
    found: /^coverage: /,
  },
  {
    name: 'rule 15: the dot of a damaged own write is given away again',
    plan: story(
      [
        { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
        { at: 3000, ...ALONE },
        { at: 3500, peer: 0, do: 'flip', bucket: 'a', key: 'k0', what: 'value' },
        { at: 3600, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 2 },
        { at: 4000, peer: 0, do: 'leave' },
        { at: 4500, peer: 0, do: 'start' },
        { at: 5000, peer: 0, bucket: 'a', do: 'set', key: 'k1', n: 3 },
      ],
      { peers: planned(3) },
    ),
    sabotage: forgetsMarks,
    found: /^origin: /,
  },
];
