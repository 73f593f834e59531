import { describe, expect, test } from '@jest/globals';
import { comparisonsText } from '../../../cli/verify/peers.js';
import { storeText } from '../../../cli/verify/store.js';
import type { BucketComparison } from '../../../src/api/comparison.js';
import type { BucketName, OriginId, PeerId } from '../../../src/base/ids.js';

const EQUAL: BucketComparison = {
  peer: 'peer-peer-peer-peer-1' as PeerId,
  name: 'other',
  url: 'http://127.0.0.1:1',
  bucket: 'default',
  result: 'equal',
  reason: null,
  behind: 0,
  ahead: 0,
  blocks: 0,
  differences: 0,
  examples: [],
  unsettled: 0,
  roundTrips: 1,
  bytes: 1234,
  ms: 5,
};

/** Runs of spaces in one. */
const squeezed = (text: string): string => text.replaceAll(/ {2,}/g, ' ');

describe('comparisons for people', () => {
  test('that found nothing', () => {
    expect(squeezed(comparisonsText([EQUAL]))).toBe(
      'peer bucket result we lack it lacks differences round trips bytes\n' +
        'http://127.0.0.1:1 default equal 0 0 0 1 1,234\n\nnothing differs\n',
    );
  });

  test('that found something say what', () => {
    const examples = Array.from({ length: 25 }, (_, i) => ({
      key: `k${i}`,
      dot: `o.${i}`,
      where: 'only-there' as const,
    }));
    const member = { key: 'k\n', member: 'm', dot: 'o.1', where: 'replaced-there' } as const;
    const text = comparisonsText([
      EQUAL,
      { ...EQUAL, result: 'different', differences: 1100, examples },
      { ...EQUAL, result: 'different', differences: 1, examples: [member], url: null },
      { ...EQUAL, result: 'lagging', behind: 7, unsettled: 1 },
      { ...EQUAL, result: 'refused', reason: 'why', behind: null, ahead: null, url: null, name: null },
    ]);
    expect(text).toContain('bucket default: 1,100 writes differ although both have received the same\n');
    expect(text).toContain('\n  k19  held there, and not here (o.19)\n  and 1,080 more\n');
    expect(text).toContain('\n  "k\\n": m  held here, and replaced there (o.1)\n');
    expect(text).toContain('1 write differs, perhaps because of writes that are on their way\n');
    expect(squeezed(text)).toContain('\nhttp://127.0.0.1:1 default lagging 7 0 0 1 1,234\n');
    expect(squeezed(text)).toContain('\npeer-peer-peer-peer-1 default refused - - - 1 1,234\n');
    expect(text).toMatch(/bucket default: why\n\nsomething differs, and 1 of 5 could not be compared\n$/);
  });

  test('that could not be made are no differences', () => {
    const failed = { ...EQUAL, result: 'failed', reason: 'why' } as const;
    const last = (...comparisons: BucketComparison[]): string | undefined =>
      comparisonsText(comparisons).trimEnd().split('\n').at(-1);
    expect(last(EQUAL, EQUAL, failed)).toBe('nothing differs, but 1 of 3 could not be compared');
    expect(last(failed, { ...failed, result: 'refused' })).toBe('none of 2 could be compared');
    expect(last(failed)).toBe('none of 1 could be compared');
    expect(last({ ...EQUAL, result: 'lagging', behind: 1 })).toBe('something differs');
  });
});

describe('a checked store for people', () => {
  const sound = { keys: 1000, entries: 1001, tombstones: 1, problems: [], problemCount: 0 };

  test('that is sound', () => {
    const text = storeText({ buckets: { ['default' as BucketName]: sound } });
    expect(squeezed(text)).toBe(
      'bucket keys entries deletes problems\ndefault 1,000 1,001 1 none\n\nthe store is sound\n',
    );
  });

  test('that is not names each problem', () => {
    const dot = { origin: 'origin-origin-origin1' as OriginId, seq: 7 };
    const problems = [{ kind: 'entry-damaged', key: 'a\u001b', dot } as const, { kind: 'totals' } as const];
    const text = storeText({ buckets: { ['b' as BucketName]: { ...sound, problems, problemCount: 102 } } });
    expect(text).toContain(
      'bucket b: "a\\u001b" (origin-origin-origin1.7): what stands there is not what was written [entry-damaged]\n',
    );
    expect(text).toContain('bucket b: the numbers of keys and deletes are wrong [totals]\n');
    expect(text).toContain('bucket b: and 100 more\n');
    expect(text).not.toContain('sound');
  });
});
