import type { VersionVector } from '../../data/version-vector.js';
import type { Link } from '../../protocol/link.js';
import type { Bucket } from '../bucket.js';
import type { View } from '../view.js';
import { newTally, type ReconcileMode, type Tally } from './report.js';
import type { Taking } from './take.js';
import { type Question, Walk } from './walk.js';

/** One way through all blocks. */
export interface Pass {
  /** Its number on the wire. */
  readonly request: number;
  /** The number of the next question. */
  n: number;
  readonly walk: Walk;
  /** What we covered when it began, and what it brought since. */
  readonly known: VersionVector;
  /** Known from the first answer on. */
  taking: Taking | undefined;
  /** The question that waits for its answer since then. */
  asked: { readonly question: Question; readonly at: number } | undefined;
}

/** A comparison of one bucket with one peer, from our side: the state is a stack of blocks and one question. */
export interface Session {
  readonly link: Link;
  readonly bucket: Bucket;
  readonly mode: ReconcileMode;
  readonly startedAt: number;
  /** What had been found to be missing when it began, see `DamageMarks.found`. */
  readonly found: number;
  readonly tally: Tally;
  /** The one that is under way; `undefined` when the next is to begin. */
  pass: Pass | undefined;
}

export const openSession = (link: Link, bucket: Bucket, mode: ReconcileMode, now: number): Session => ({
  link,
  bucket,
  mode,
  startedAt: now,
  found: bucket.damages.found,
  tally: newTally(),
  pass: undefined,
});

/** The store must show all that is covered. */
export function openPass(session: Session, view: View, request: number): Pass {
  session.tally.passes++;
  session.pass = {
    request,
    n: 0,
    walk: new Walk(view, session.bucket, session.mode === 'verify'),
    known: session.bucket.vector.clone(),
    taking: undefined,
    asked: undefined,
  };
  return session.pass;
}

/** Whether writes came in during the pass, by other ways, that the other side covered when it began. */
export function wasDisturbed({ bucket }: Session, { known, taking }: Pass): boolean {
  const news = bucket.vector.minus(known);
  return taking === undefined || news.intersect(taking.start.vector).size > 0;
}
