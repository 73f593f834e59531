import { dotToText } from '../../src/data/dot.js';
import { compareEntries, type Entry } from '../../src/data/entry.js';
import type { OriginId } from '../../src/base/ids.js';
import { BUCKET, type World } from './world.js';

/**
 * Predicate 1 of the replication rules, for each running peer against the log of all writes: what is covered is held,
 * or superseded by what is held. Where an old store was put back unnoticed a dot may name two writes: not there.
 */
export function checkCoverage(world: World, peers = world.running): void {
  if (world.tainted) return;
  for (const { url, bucket, storage } of peers) {
    for (const op of world.log) {
      if (!bucket.vector.covers(op)) continue;
      const held = storage.get(BUCKET, op.key);
      if (!held || compareEntries(held, op) < 0) {
        throw new Error(`${url} covers ${dotToText(op)} of '${op.key}' and does not have it`);
      }
    }
  }
}

/** Predicate 7: within an origin seq and stamp rise strictly, and no dot is used twice (invariant 3). */
export function checkOrigins(world: World): void {
  if (world.tainted) return;
  const last = new Map<OriginId, Entry>();
  for (const op of world.log) {
    const former = last.get(op.origin);
    if (former && (op.seq <= former.seq || op.stamp <= former.stamp)) {
      throw new Error(`${dotToText(op)} comes after ${dotToText(former)} and is not above it`);
    }
    last.set(op.origin, op);
  }
}

/** Predicate 11: vectors stay compact. */
export function checkIntervals(world: World): void {
  for (const { url, bucket } of world.running) {
    for (const [origin, set] of bucket.vector.entries()) {
      if (set.length > 100) throw new Error(`${url} covers ${origin} in ${set.length / 2} intervals`);
    }
  }
}

/** Predicate 10: no acknowledged write is lost: everywhere it stands, or a greater one of its key does. */
export function checkAcknowledged(world: World): void {
  for (const op of world.peers.flatMap((peer) => peer.acknowledged)) {
    for (const { url, storage } of world.peers) {
      const held = storage.get(BUCKET, op.key);
      if (!held || compareEntries(held, op) < 0) {
        throw new Error(`acknowledged ${dotToText(op)} of '${op.key}' is lost at ${url}`);
      }
    }
  }
}

export function checkNoDivergence(world: World): void {
  for (const peer of world.peers) {
    if (peer.hasNoted('divergence')) throw new Error(`${peer.url} reports a divergence`);
  }
}

/** The store, vector and totals in memory tell the same: what a restart would read. */
export function checkStores(world: World): void {
  for (const { url, bucket, storage } of world.running) {
    const live = [...storage.entries(BUCKET, {})].filter(({ value }) => value !== null);
    if (live.length !== bucket.keys) throw new Error(`${url} counts ${bucket.keys} keys of ${live.length}`);
    for (const entry of storage.entries(BUCKET, {})) {
      const row = [...storage.dots(BUCKET, entry.origin, entry.seq, entry.seq)][0];
      if (row?.key !== entry.key && !world.tainted) {
        throw new Error(`${url}: no row of the dot index for ${dotToText(entry)}`);
      }
    }
  }
}
