import { RumeurError } from '../../base/errors.js';
import type { OriginId } from '../../base/ids.js';
import { type Cell, hasLive, isLive } from '../cell.js';
import { compareWrites, type Entry } from '../entry.js';
import { highest } from '../intervals.js';
import type { IncrementOp, PutOp } from '../op.js';
import type { Content, Policy, WriterState } from '../policy.js';
import { VersionVector } from '../version-vector.js';
import { admitBy, contentOf, contextWithoutOwn, greatestStamp, hasSeenAllOf, renewSeen } from './causal.js';
import { exactSum, formatTotal, type OriginTotal, parseTotal, totalIn } from './counter-total.js';
import { refuseContext } from './refusals.js';

/**
 * Each origin keeps one running total under a key, whose value is their sum. Of one origin's totals the greatest seq
 * stands. A delete supersedes the totals that it has seen; one that goes on concurrently stands whole.
 */
export const counter: Policy = {
  name: 'counter',
  superseder: 'newer',
  admit: admitBy(supersedes),
  prepare: (cell, op, writer) => ('increment' in op ? increment(cell, op, writer) : remove(cell, op)),
  renew,
};

/** The value of the key; 0 when nothing is live. Concurrent increments may take it beyond the safe integers. */
export const counterValue = (cell: Cell): number => Number(exactSum(cell));

/** What one write says that its origin has counted; 0 for what is no total. */
export const totalOf = (value: Uint8Array): number => parseTotal(value).total;

function supersedes(later: Entry, earlier: Entry): boolean {
  return comesAfter(later, earlier) && compareWrites(later, earlier) > 0 && hasSeenAllOf(later, earlier);
}

/**
 * Who has seen a total has seen the earlier ones of its origin with it, also those that never came to where it was
 * written. Contexts are read in that way, so that it holds of forged ones too.
 */
function comesAfter(later: Entry, earlier: Entry): boolean {
  if (!isLive(earlier)) return later.context?.covers(earlier) === true;
  if (isLive(later) && later.origin === earlier.origin && later.seq > earlier.seq) return true;
  return later.context !== undefined && highest(later.context.get(earlier.origin)) >= earlier.seq;
}

function increment(cell: Cell, { key, increment: by }: IncrementOp, writer: WriterState): Content {
  const previous = ownTotal(cell, writer.origin);
  const before = totalIn(previous);
  const isOfThisSession = previous !== undefined && previous.seq >= writer.firstSeq;
  const next = { ...before, total: before.total + by, base: isOfThisSession ? before.base : before.total };
  const isSafe = [by, next.total, next.total - next.base].every(Number.isSafeInteger);
  if (!isSafe || !isSafeSum(exactSum(cell) + BigInt(by))) {
    throw new RumeurError(
      'VALUE_INVALID',
      `'${key}' cannot be changed by ${by}: it counts in safe integers`,
      {
        hint: `a counter and each change of it are whole numbers up to ${Number.MAX_SAFE_INTEGER}, or minus that`,
      },
    );
  }
  // What a renewed total has taken over goes on with it.
  const context = previous?.context;
  return { value: formatTotal(next), ...(context ? { context } : {}) };
}

const isSafeSum = (sum: bigint): boolean => Number.isSafeInteger(Number(sum));

/** The latest total of this origin. */
function ownTotal(cell: Cell, origin: OriginId): Entry | undefined {
  let latest: Entry | undefined;
  for (const entry of cell) {
    if (entry.origin === origin && isLive(entry) && !(latest && latest.seq > entry.seq)) latest = entry;
  }
  return latest;
}

function remove(cell: Cell, op: PutOp): Content | undefined {
  if (op.value !== null) {
    throw new RumeurError('POLICY', `'${op.key}' is a counter and takes no values`, {
      hint: 'use incr and decr',
    });
  }
  refuseContext(op);
  if (!hasLive(cell)) return undefined;
  const dots = new VersionVector();
  for (const { origin, seq, context } of cell) {
    dots.add(origin, 1, seq);
    if (context) dots.merge(context);
  }
  return contentOf(op, { dots, stamp: greatestStamp(cell) });
}

/**
 * The part of a total that was counted since the store was opened goes on under the new origin. The part before
 * may stand elsewhere, may have been counted on, and may, its row replaced by the burnt total, stand nowhere but here:
 * so the new total takes it over as the former origin's, for as long as no later one of that origin is known.
 */
function renew(entry: Entry, writer: WriterState): Content {
  if (!isLive(entry)) return renewSeen(entry, writer);
  const context = contextWithoutOwn(entry, writer);
  const { total, base, takenOver } = totalIn(entry);
  const last = writer.firstSeq - 1;
  if (last > 0) context.add(entry.origin, 1, last);
  const former: OriginTotal = { origin: entry.origin, seq: last, total: base };
  return {
    value: formatTotal({
      total: total - base,
      base: 0,
      takenOver: base === 0 ? takenOver : [...takenOver, former],
    }),
    above: entry.stamp,
    ...(context.size > 0 ? { context } : {}),
  };
}
