import { isLive } from '../../../src/data/cell.js';
import type { Policy } from '../../../src/data/policy.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import { digestOf } from '../../../src/replica/core.js';
import { bucketOf, buckets, messages, type Mutant, story } from './mutant.js';

/** Last writer wins alone: what is older than a dropped tombstone is taken for deleted where nothing stands. */
function withoutLateWrites(bucket: Bucket): Policy {
  const { policy } = bucket;
  return {
    ...policy,
    admit: (cell, entry) =>
      cell.length === 0 && isLive(entry) && entry.stamp <= bucket.droppedUpTo
        ? undefined
        : policy.admit(cell, entry),
  };
}

/** What happens while nobody falls below a floor. */
const MEMBERS = ['breakLink', 'cut', 'oneWay', 'partition', 'heal', 'crash', 'leave', 'start'];

/** Rule 12, and predicate 12. */
export const REST_MUTANTS: readonly Mutant[] = [
  {
    name: 'rule 12: a write older than a dropped tombstone is taken for deleted',
    plan: story([
      { at: 1000, peer: 0, bucket: 'a', do: 'set', key: 'k0', n: 1 },
      { at: 3000, do: 'cut', how: 'drop', ways: [0, 1].flatMap((n) => [[n, 2] as const, [2, n] as const]) },
      { at: 4000, peer: 0, do: 'evict', other: 2 },
      // No member has seen it when the tombstone goes.
      { at: 5000, peer: 2, bucket: 'a', do: 'set', key: 'k1', n: 2 },
      { at: 6000, peer: 1, bucket: 'a', do: 'delete', key: 'k0' },
      { at: 9000, do: 'heal' },
    ]),
    sabotage: buckets((bucket) => {
      Object.assign(bucket, { policy: withoutLateWrites(bucket) });
    }),
    found: /^coverage: /,
  },
  {
    name: 'predicate 12: new links are not compared, and of the rounds only one in four',
    faults: MEMBERS,
    sabotage: messages((message, _, to) => {
      if (message.type === 'digest') return message.round % 4 === 0 ? message : undefined;
      if (message.type !== 'hello') return message;
      return { ...message, buckets: message.buckets.map((row) => ({ ...row, ...digestOf(bucketOf(to)) })) };
    }),
    found: /^rounds: /,
  },
  {
    name: 'vectors that tell changes leave them out',
    faults: MEMBERS,
    draw: { setup: { lostPushes: 0.2 } },
    sabotage: messages((message) =>
      message.type === 'vectors' && message.changes
        ? { ...message, buckets: message.buckets.map(([name]) => [name, new VersionVector()] as const) }
        : message,
    ),
    found: /^(unequal|rounds): /,
  },
  {
    name: 'predicate 12: a delta is refused to who is not below the floor',
    faults: MEMBERS,
    draw: { setup: { membersOnly: true } },
    sabotage: (world) => {
      const refused = new Set<string>();
      messages((message, from, to) => {
        const pair = `${from.url} ${to.url} ${from.life} ${to.life}`;
        if (message.type !== 'chunk' || message.n > 0 || refused.has(pair)) return message;
        refused.add(pair);
        return { type: 'below', request: message.request };
      })(world);
    },
    found: /^reconciled: /,
  },
];
