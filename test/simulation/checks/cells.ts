import { equalBytes } from '../../../src/base/bytes.js';
import type { BucketName } from '../../../src/base/ids.js';
import { type Cell, isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';
import { type BucketLog, isSameDot } from './op-log.js';

/** Whether a row of this key is damaged, be it known to the peer or not: then nothing is said of it. */
export function isUncertain(peer: SimPeer, bucket: Bucket, key: string): boolean {
  const { damages } = bucket;
  return peer.storage.isDamaged(bucket.name, key) || damages.isBlind || damages.isUncertain(key);
}

/**
 * Predicates 1, 2 and 4 of the replication rules, for one key of a peer against the log of all writes: what is covered
 * is held, or superseded by what is held or by a tombstone that was dropped; and nothing older stands.
 * @param isShed whether reconciliation took an op out: the tombstone that superseded it comes into the floor later
 * @param isExcused whether an op has to do with one that damage destroyed everywhere
 */
export function checkCell(
  peer: SimPeer,
  name: BucketName,
  key: string,
  log: BucketLog,
  isShed: (op: Entry) => boolean,
  isExcused: (op: Entry) => boolean,
): void {
  const bucket = peer.bucketNamed(name);
  if (isUncertain(peer, bucket, key)) return;
  const held = peer.storage.get(name, key);
  const covered = log.of(key).filter((op) => bucket.vector.covers(op));
  const dropped = log.of(key).filter((op) => !isLive(op) && bucket.floor.covers(op) && !stands(held, op));
  const fail = (kind: string, text: string): never => {
    throw new Violation(kind, `${peer.url}, bucket '${name}', key '${key}': ${text}`);
  };
  for (const entry of held) checkHeld(bucket, entry, log, fail);
  const gone = [...dropped, ...covered.filter(isShed)];
  const above = [...held, ...gone];
  for (const op of covered) {
    if (!above.some((other) => isSameDot(other, op) || log.supersedes(other, op))) {
      fail('coverage', `covers ${dotToText(op)} and does not have it`);
    }
  }
  for (const entry of held) {
    if (!isLive(entry)) continue;
    const newer = covered.find((op) => log.supersedes(op, entry) && !isGone(log, gone, op) && !isExcused(op));
    if (newer) fail('older-stands', `holds ${dotToText(entry)}, which ${dotToText(newer)} supersedes`);
  }
}

const stands = (cell: Cell, op: Entry): boolean => cell.some((entry) => isSameDot(entry, op));

const isGone = (log: BucketLog, gone: readonly Entry[], op: Entry): boolean =>
  gone.some((other) => isSameDot(other, op) || log.supersedes(other, op));

/** What is held was written by somebody, is what they wrote, and is covered. */
function checkHeld(
  bucket: Bucket,
  entry: Entry,
  log: BucketLog,
  fail: (kind: string, text: string) => never,
): void {
  const written = log.find(entry);
  if (!written) fail('invented', `holds ${dotToText(entry)}, which nobody wrote`);
  else if (!equalBytes(written.digest, entry.digest))
    fail('altered', `holds another ${dotToText(entry)} than was written`);
  if (!bucket.vector.covers(entry)) fail('uncovered', `holds ${dotToText(entry)} and does not cover it`);
}
