import type { BucketName } from '../../../src/base/ids.js';
import { isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import type { World } from '../../../simulator/world.js';
import { Violation } from '../violation.js';
import { type BucketLog, isSameDot } from './op-log.js';
import { checkStore } from './stores.js';
import type { Witness } from './witness.js';

/** Intervals that one origin is covered in at rest. */
const MOST_INTERVALS = 100;

/** What must hold once everything is healed and the peers agree. */
export function checkAtRest(world: World, witness: Witness): void {
  for (const peer of world.running) {
    checkStore(peer);
    if (!world.tainted) witness.checkAll(peer);
  }
  for (const name of world.buckets) {
    for (const group of world.groupsOf(name)) checkGroup(world, witness, name, group);
  }
  checkPromises(world, witness);
  checkNotes(world, witness.allowedNotes);
}

/**
 * Predicate 12: among members no delete goes that any of them lacks, so nobody has anything to shed. Where processes are
 * slow a request may be answered so late that what its sender lacked then has come to it, and gone, meanwhile.
 */
export function checkNoSessions({ made, isIdeal, hasDamages }: Witness): void {
  const sessions = made.get('reconciliations') ?? 0;
  if (isIdeal && !hasDamages && sessions > 0)
    throw new Violation('reconciled', `${sessions} times among members that miss nothing that was dropped`);
}

/** Predicates 3, 10 and 11, for peers that replicate one bucket among them. */
function checkGroup(world: World, witness: Witness, name: BucketName, group: readonly SimPeer[]): void {
  const [first] = group;
  if (!first) return;
  const state = first.stateText(name);
  for (const peer of group) {
    if (peer.stateText(name) !== state)
      throw new Violation('state', `${peer.url} holds other data than ${first.url}`);
    const { vector, floor } = peer.bucketNamed(name);
    // What was in nobody's vector any more when it came, as its writers were wiped, stays beyond.
    const beyond = floor.minus(vector);
    if (group.some((other) => other.bucketNamed(name).vector.intersect(beyond).size > 0) && !world.tainted) {
      throw new Violation('floor', `at rest the floor of ${peer.url} in '${name}' lies beyond its vector`);
    }
    for (const [origin, set] of vector.entries()) {
      if (set.length / 2 <= MOST_INTERVALS) continue;
      throw new Violation('intervals', `${peer.url} covers ${origin} in ${set.length / 2} intervals`);
    }
  }
  if (witness.isIdeal) checkIdeal(first, name, witness);
}

/**
 * Where nobody outside ever writes: what lives is exactly what the policy leaves of all that is covered, in whatever
 * order: no delete is undone (predicate 10).
 */
function checkIdeal(peer: SimPeer, name: BucketName, witness: Witness): void {
  const log = witness.log.of(peer, name);
  const { vector, policy } = peer.bucketNamed(name);
  for (const key of log.keys()) {
    const covered = log.of(key).filter((op) => vector.covers(op));
    if (log.of(key).some((op) => witness.isGivenUp(name, op, log))) continue;
    const cell = covered.reduceRight<readonly Entry[]>(
      (stands, op) => policy.admit(stands, op) ?? stands,
      [],
    );
    const ideal = cell.filter(isLive).map(dotToText).join(' ');
    const held = peer.storage.get(name, key).filter(isLive).map(dotToText).join(' ');
    if (ideal === held) continue;
    throw new Violation(
      'ideal',
      `under '${key}' of '${name}' ${held || 'nothing'} lives where ${ideal || 'nothing'} should`,
    );
  }
}

/** Predicate 10: everywhere an acknowledged write stands, or a greater one of its key stands or was dropped. */
function checkPromises(world: World, { promises, log, burnt }: Witness): void {
  for (const { peer: writer, name, entry } of promises) {
    const own = log.of(writer, name);
    // There the very same things were written again under other dots.
    if (own.of(entry.key).some(({ origin }) => burnt.has(origin))) continue;
    for (const peer of world.running) {
      if (log.of(peer, name) !== own || isKept(peer, name, entry, own)) continue;
      const what = `acknowledged ${dotToText(entry)} of '${entry.key}' in '${name}'`;
      throw new Violation('lost', `${what} is lost at ${peer.url}`);
    }
  }
}

function isKept(peer: SimPeer, name: BucketName, entry: Entry, log: BucketLog): boolean {
  const { floor } = peer.bucketNamed(name);
  const isAbove = (other: Entry): boolean => isSameDot(other, entry) || log.supersedes(other, entry);
  if (peer.storage.get(name, entry.key).some(isAbove)) return true;
  return log.of(entry.key).some((op) => !isLive(op) && floor.covers(op) && isAbove(op));
}

/** Among peers that all keep the rules nobody complains of the others. */
function checkNotes(world: World, allowed: ReadonlySet<string>): void {
  for (const peer of world.peers) {
    const note = peer.notes.find(({ level, event }) => level === 'error' && !allowed.has(event));
    if (note) throw new Violation(`note ${note.event}`, `${peer.url} says: ${note.message}`);
  }
}
