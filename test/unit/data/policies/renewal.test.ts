import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isLive } from '../../../../src/data/cell.js';
import { compareEntries, type Entry } from '../../../../src/data/entry.js';
import { counterValue } from '../../../../src/data/policies/counter.js';
import { policyOf } from '../../../../src/data/policies/all.js';
import type { PolicyName } from '../../../../src/data/policy.js';
import { incrementOf, keyOf, opOf } from './commands.js';
import { dotsOf, type Replica, World } from './world.js';

const numRuns = Number(process.env['RUNS'] ?? 60);

/** An old copy of a replica's store. */
type Copy = Pick<Replica, 'origin' | 'written' | 'vector' | 'cells' | 'clock'>;

const copyOf = ({ origin, written, vector, cells, clock }: Copy): Copy => ({
  origin,
  written,
  clock,
  vector: vector.clone(),
  cells: new Map(cells),
});

interface Write {
  readonly key: number;
  readonly by: number;
}

/**
 * Opens an old copy, which does not know that it is one, and writes. Nobody takes those writes, as the first peer met
 * covers their dots: the origin is burnt, and they are written again under a new one.
 */
function reopen(
  world: World,
  replica: Replica,
  copy: Copy,
  writes: readonly Write[],
  deletes: boolean,
): void {
  Object.assign(replica, copyOf(copy), { firstSeq: copy.written + 1 });
  const first = world.log.length;
  for (const { key, by } of writes) world.write(replica, opOf(world.policy.name, key, by, deletes));
  const burnt = world.log.splice(first);
  const { origin, firstSeq, vector, droppedUpTo, written } = replica;
  // The clock may have run ahead and be set right at this occasion.
  Object.assign(replica, { origin: world.newOrigin(), firstSeq: 1, written: 0, clock: 0n });
  for (const entry of burnt) {
    const cell = world.cell(replica, entry.key);
    if (!cell.includes(entry)) continue;
    replica.cells.set(
      entry.key,
      cell.filter((other) => other !== entry),
    );
    const renewed = world.issue(
      replica,
      entry.key,
      world.policy.renew(entry, { origin, firstSeq, vector, droppedUpTo }),
    );
    const seen = [...world.knownTo(entry)].filter((other) => !burnt.includes(other));
    world.known.set(renewed, new Set(seen));
  }
  if (written >= firstSeq) vector.removeAll(origin, [firstSeq, written]);
}

const at = fc.integer({ min: 0, max: 2 });
const write = fc.record({ key: fc.constantFrom(0, 0, 0, 1), by: fc.nat({ max: 999 }) });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('write' as const), at, write }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('sync' as const),
      at,
      from: at,
      most: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('close' as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('copy' as const), at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('reopen' as const),
      copy: fc.nat({ max: 99 }),
      writes: fc.array(write, { maxLength: 5, size: 'max' }),
    }),
  },
);
const steps = fc.array(step, { maxLength: 30, size: 'max' });
type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** @returns the world, and every write that was asked for */
function play(name: PolicyName, list: Steps, deletes: boolean): { world: World; writes: Write[] } {
  const world = new World(policyOf(name), 3);
  const writes: Write[] = [];
  const copies: { replica: Replica; copy: Copy }[] = [];
  for (const now of list) {
    const replica = world.replicas['at' in now ? now.at : 0] as Replica;
    if (now.type === 'write') {
      writes.push(now.write);
      world.write(replica, opOf(name, now.write.key, now.write.by, deletes));
    } else if (now.type === 'sync') world.sync(world.replicas[now.from] as Replica, replica, now.most);
    // Closed cleanly and opened again: it goes on under its origin.
    else if (now.type === 'close') replica.firstSeq = replica.written + 1;
    else if (now.type === 'copy') copies.push({ replica, copy: copyOf(replica) });
    else {
      const found = copies[now.copy % (copies.length || 1)];
      if (!found) continue;
      writes.push(...now.writes);
      reopen(world, found.replica, found.copy, now.writes, deletes);
    }
  }
  world.heal();
  return { world, writes };
}

/** The origins of the totals that stand, which is one for each. */
const liveOrigins = (world: World, index: number): string[] =>
  world.replicas
    .slice(0, 1)
    .flatMap((replica) => world.cell(replica, keyOf('counter', index)).filter(isLive))
    .map(({ origin }) => origin);

describe('a store that turns out to be an old copy', () => {
  test('no increment is lost or counted twice', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { world, writes } = play('counter', list, false);
        for (const index of [0, 1]) {
          const changes = writes.filter(({ key }) => key === index).map(({ by }) => incrementOf(by));
          const sum = changes.reduce((a, b) => a + b, 0);
          for (const replica of world.replicas) {
            expect(counterValue(world.cell(replica, keyOf('counter', index)))).toBe(sum);
          }
        }
      }),
      { numRuns },
    );
  });

  test.each(['counter', 'siblings', 'set'] as const)('under %s all replicas end equal', (name) => {
    fc.assert(
      fc.property(steps, (list) => {
        const { world } = play(name, list, true);
        for (const index of [0, 1]) {
          const cells = world.replicas.map((replica) => dotsOf(world.cell(replica, keyOf(name, index))));
          expect(cells[1]).toEqual(cells[0]);
          expect(cells[2]).toEqual(cells[0]);
          if (name === 'counter')
            expect(liveOrigins(world, index)).toHaveLength(new Set(liveOrigins(world, index)).size);
        }
      }),
      { numRuns },
    );
  });

  test.each(['siblings', 'set'] as const)(
    'under %s nothing unseen is lost, nothing seen comes back',
    (name) => {
      fc.assert(
        fc.property(steps, (list) => {
          const { world } = play(name, list, true);
          for (const index of [0, 1]) {
            const key = keyOf(name, index);
            const expected: Entry[] = world.unseen(world.log.filter((entry) => entry.key === key));
            for (const replica of world.replicas) {
              expect(dotsOf(world.cell(replica, key))).toEqual(dotsOf(expected.sort(compareEntries)));
            }
          }
        }),
        { numRuns },
      );
    },
  );
});
