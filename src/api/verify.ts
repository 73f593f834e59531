import { dotToText } from '../data/dot.js';
import { splitMemberKey } from '../data/policies/set.js';
import type { PolicyName } from '../data/policy.js';
import type { Difference, ReconcileReport } from '../replica/reconcile/report.js';
import type { Comparison } from '../replica/comparison.js';
import type { BucketComparison, DifferentWrite } from './comparison.js';
import type { PeerName } from './explanation.js';
import type { PeerInfo } from './service.js';

/** A comparison for people and programs. @param peers the rows of `getPeers` */
export function comparisonOf(
  compared: Comparison,
  policy: PolicyName,
  { name }: PeerName,
  peers: readonly PeerInfo[],
): BucketComparison {
  const { peer, bucket, outcome, report } = compared;
  const result = resultOf(outcome, report);
  return {
    peer,
    name,
    url: peers.find(({ id }) => id === peer)?.url ?? null,
    bucket,
    result,
    reason: reasonOf(compared),
    behind: report?.lag?.behind ?? null,
    ahead: report?.lag?.ahead ?? null,
    blocks: report?.blocks ?? 0,
    differences: report?.differences ?? 0,
    examples: (report?.examples ?? []).map((difference) => exampleOf(policy, difference)),
    unsettled: report?.unsettled ?? 0,
    roundTrips: report?.roundTrips ?? 0,
    bytes: report?.bytes ?? 0,
    ms: Math.round(report?.ms ?? 0),
  };
}

function resultOf(
  outcome: Comparison['outcome'],
  report: ReconcileReport | undefined,
): BucketComparison['result'] {
  if (outcome === 'refused' || outcome === 'absent') return 'refused';
  if (outcome !== 'done' || !report?.lag) return 'failed';
  if (report.differences > 0) return 'different';
  const { behind, ahead } = report.lag;
  return behind + ahead + report.unsettled > 0 ? 'lagging' : 'equal';
}

function reasonOf({ outcome, report }: Comparison): string | null {
  return outcome === 'cancelled' ? `the other peer gave up: ${report?.reason ?? ''}` : REASONS[outcome];
}

const REASONS: Readonly<Record<Exclude<Comparison['outcome'], 'cancelled'>, string | null>> = {
  done: null,
  refused: 'the other peer gives this bucket another policy',
  absent: 'the other peer does not have this bucket',
  busy: 'this bucket was being repaired all the time',
  damaged: 'a damaged row was found in this bucket here; it is being repaired',
  linkDown: 'the link ended',
  stalled: 'the other peer did not answer in time',
  overdue: 'there was more to compare than can be compared in one go',
  interrupted: 'this bucket had to be repaired meanwhile, again and again',
  deferred: 'not everything could be taken',
  restless: 'writes kept coming in',
};

const WHERE = {
  absent: 'only-here',
  superseded: 'replaced-there',
  missing: 'only-there',
  content: 'content',
} as const satisfies Record<Difference['kind'], DifferentWrite['where']>;

function exampleOf(policy: PolicyName, { key, origin, seq, kind }: Difference): DifferentWrite {
  const named = policy === 'set' ? splitMemberKey(key) : { key };
  return { ...named, dot: dotToText({ origin, seq }), where: WHERE[kind] };
}
