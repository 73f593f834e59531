import fc from 'fast-check';
import { utf8 } from '../../../../src/base/bytes.js';
import { memberKey } from '../../../../src/data/policies/set.js';
import type { LocalOp } from '../../../../src/data/op.js';
import type { Policy, PolicyName } from '../../../../src/data/policy.js';
import { World } from './world.js';

const REPLICAS = 3;
const place = fc.integer({ min: 0, max: REPLICAS - 1 });
const anyOf = fc.nat({ max: 1_000 });
/** Two keys, so that each one's dots have gaps. Mostly one of them, so that much happens to it. */
const keyIndex = fc.constantFrom(0, 0, 0, 1);

/** `by` decides between values and deletes, is the increment, and picks readings and writes out of what there is. */
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('write'), at: place, key: keyIndex, by: anyOf }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('writeSeen'), at: place, key: keyIndex, by: anyOf }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read'), at: place, key: keyIndex, by: anyOf }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('take'), at: place, key: keyIndex, by: anyOf }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('sync'), at: place, key: keyIndex, by: anyOf }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drop'), at: place, key: keyIndex, by: anyOf }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

export const commands = (maxLength = 40): fc.Arbitrary<Command[]> =>
  fc.array(command, { maxLength, size: 'max' });

export const keyOf = (policy: PolicyName, index: number): string => {
  const key = index === 0 ? 'k' : 'l';
  return policy === 'set' ? memberKey(key, 'm') : key;
};

/** By how much a write changes a counter. */
export const incrementOf = (by: number): number => (by % 7) - 2;

export function opOf(policy: PolicyName, index: number, by: number, deletes: boolean): LocalOp {
  const key = keyOf(policy, index);
  if (deletes && by % 3 === 0) return { key, value: null };
  if (policy === 'counter') return { key, increment: incrementOf(by) };
  return { key, value: policy === 'set' ? utf8('true') : utf8(String(by)) };
}

export interface Options {
  deletes?: boolean;
  drops?: boolean;
  /** Called after each command. */
  check?: (world: World) => void;
}

/** Plays the commands of a generated history. */
export function play(policy: Policy, list: readonly Command[], options: Options = {}): World {
  const world = new World(policy, REPLICAS);
  for (const step of list) {
    perform(world, step, options);
    options.check?.(world);
  }
  return world;
}

function perform(
  world: World,
  { type, at, key, by }: Command,
  { deletes = true, drops = false }: Options,
): void {
  const replica = world.replicas[at];
  const other = world.replicas[(at + 1 + (by % (REPLICAS - 1))) % REPLICAS];
  if (!replica || !other) return;
  const { name } = world.policy;
  const text = keyOf(name, key);
  if (type === 'read') world.read(replica, text);
  else if (type === 'take') {
    const entry = world.log[by % (world.log.length || 1)];
    if (entry) world.take(replica, entry);
  } else if (type === 'sync') world.sync(other, replica, by % 5 === 0 ? Infinity : 1 + (by % 3));
  else if (type === 'drop') {
    if (drops) world.dropTombstones(replica);
  } else {
    const readings = world.readings.filter((reading) => reading.key === text);
    const useful = type === 'writeSeen' && (name === 'siblings' || name === 'set');
    world.write(
      replica,
      opOf(name, key, by, deletes),
      useful ? readings[by % (readings.length || 1)] : undefined,
    );
  }
}
