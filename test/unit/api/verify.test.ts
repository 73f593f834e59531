import { describe, expect, test } from '@jest/globals';
import type { PeerId, BucketName, OriginId } from '../../../src/base/ids.js';
import type { PolicyName } from '../../../src/data/policy.js';
import { memberKey } from '../../../src/data/policies/set.js';
import { newTally, type ReconcileReport } from '../../../src/replica/reconcile/report.js';
import type { Comparison } from '../../../src/replica/comparison.js';
import type { BucketComparison } from '../../../src/api/comparison.js';
import { comparisonOf } from '../../../src/api/verify.js';

const PEER = 'peer-peer-peer-peer-1' as PeerId;
const ORIGIN = 'origin-origin-origin1' as OriginId;

const reported = (change: Partial<ReconcileReport> = {}): ReconcileReport => ({
  mode: 'verify',
  outcome: 'done',
  reason: undefined,
  ...newTally(),
  ms: 1.6,
  lag: { behind: 0, ahead: 0 },
  ...change,
});

function shown(
  outcome: Comparison['outcome'],
  report?: ReconcileReport,
  policy: PolicyName = 'lww',
): BucketComparison {
  const compared = { peer: PEER, bucket: 'b' as BucketName, outcome, report };
  return comparisonOf(compared, policy, { id: PEER, name: 'other' }, []);
}

describe('what a comparison has come to', () => {
  test.each<[BucketComparison['result'], Comparison['outcome'], ReconcileReport | undefined]>([
    ['equal', 'done', reported()],
    ['lagging', 'done', reported({ lag: { behind: 1, ahead: 0 } })],
    ['lagging', 'done', reported({ lag: { behind: 0, ahead: 1 } })],
    ['lagging', 'done', reported({ unsettled: 1 })],
    ['different', 'done', reported({ differences: 1, lag: { behind: 5, ahead: 5 } })],
    ['refused', 'refused', undefined],
    ['refused', 'absent', undefined],
    ['failed', 'busy', undefined],
    ['failed', 'linkDown', undefined],
    ['failed', 'stalled', reported({ lag: undefined })],
    ['failed', 'overdue', reported()],
  ])('is %s when it ended with %s', (result, outcome, report) => {
    const comparison = shown(outcome, report);
    expect(comparison).toMatchObject({ peer: PEER, name: 'other', url: null, bucket: 'b', result });
    const explained = result === 'refused' || result === 'failed' ? expect.any(String) : null;
    expect(comparison.reason).toEqual(explained);
  });

  test('what the other side said when it gave up is passed on', () => {
    const { result, reason } = shown('cancelled', reported({ reason: 'a damaged row' }));
    expect([result, reason]).toEqual(['failed', 'the other peer gave up: a damaged row']);
  });

  test('differences are named by dot, and members of sets by themselves', () => {
    const kinds = ['absent', 'superseded', 'missing', 'content'] as const;
    const examples = kinds.map((kind, i) => ({ origin: ORIGIN, seq: i + 1, key: 'k', kind }));
    const { examples: named } = shown('done', reported({ differences: 4, examples }));
    expect(named.map(({ where }) => where)).toEqual(['only-here', 'replaced-there', 'only-there', 'content']);
    expect(named[0]).toEqual({ key: 'k', dot: `${ORIGIN}.1`, where: 'only-here' });
    const member = { origin: ORIGIN, seq: 1, key: memberKey('k', 'm'), kind: 'missing' } as const;
    const ofSet = shown('done', reported({ differences: 1, examples: [member] }), 'set');
    expect(ofSet.examples).toEqual([{ key: 'k', member: 'm', dot: `${ORIGIN}.1`, where: 'only-there' }]);
  });
});
