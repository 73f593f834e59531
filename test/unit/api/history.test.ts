import { describe, expect, test } from '@jest/globals';
import { History } from '../../../src/api/history.js';
import { toText, utf8 } from '../../../src/base/bytes.js';
import type { BucketName, OriginId, PeerId } from '../../../src/base/ids.js';
import { type Entry, sealEntry } from '../../../src/data/entry.js';
import { stampAt } from '../../../src/data/stamp.js';
import type { Change, Source } from '../../../src/replica/step.js';

const BUCKET = 'default' as BucketName;
const ORIGIN = 'origin-00000000000000' as OriginId;
const FROM: Source = { peer: 'peer-0000000000000000' as PeerId, how: 'delta' };

const write = (seq: number, value: string | null = `"${seq}"`, key = 'k'): Entry =>
  sealEntry({ origin: ORIGIN, seq, stamp: stampAt(seq), key, value: value === null ? null : utf8(value) });

/** `entry` comes, and `cell` stands then: by default it alone. What stood before is known from the call before. */
function changes(): (entry: Entry, cell?: readonly Entry[], from?: Source) => Change {
  const standing = new Map<string, readonly Entry[]>();
  return (entry, cell = [entry], from) => {
    const before = standing.get(entry.key) ?? [];
    standing.set(entry.key, cell);
    return { bucket: BUCKET, entry, before, cell, from };
  };
}

describe('the history', () => {
  test('tells when and how what stands came', () => {
    const [history, change] = [new History(), changes()];
    const [here, there] = [write(1), write(2)];
    history.add(change(here), 1000);
    expect(history.arrivalOf(BUCKET, 'k', here)).toEqual({ at: 1000, from: undefined });
    history.add(change(there, [there], FROM), 2000);
    expect(history.arrivalOf(BUCKET, 'k', there)).toEqual({ at: 2000, from: FROM });
    expect(history.arrivalOf(BUCKET, 'k', here)).toBeUndefined();
    expect(history.arrivalOf('other', 'k', there)).toBeUndefined();
    expect(history.losersOf(BUCKET, 'never')).toEqual([]);
  });

  test('names what stood here before it began, though not how that came', () => {
    const [history, change] = [new History(), changes()];
    // Of the first change the history hears nothing: it was made before the start.
    change(write(1));
    history.add(change(write(2)), 2000);
    expect(history.losersOf(BUCKET, 'k')).toMatchObject([{ seq: 1, replacedAt: 2000, arrival: undefined }]);
    history.add(change(write(3)), 3000);
    expect(history.losersOf(BUCKET, 'k')).toMatchObject([{ seq: 2, arrival: { at: 2000 } }, { seq: 1 }]);
  });

  test('of values beside each other from before it began it names those that go', () => {
    const [history, change] = [new History(), changes()];
    const [a, b, c] = [write(1), write(2), write(3)];
    change(b, [a, b]);
    history.add(change(c, [b, c]), 1000);
    expect(history.losersOf(BUCKET, 'k')).toMatchObject([{ seq: 1 }]);
  });

  test('keeps the last five that were replaced, the last first, each with its way here', () => {
    const [history, change] = [new History(), changes()];
    for (let seq = 1; seq <= 8; seq++) history.add(change(write(seq), [write(seq)], FROM), 100 * seq);
    const losers = history.losersOf(BUCKET, 'k');
    expect(losers.map(({ seq, replacedAt }) => [seq, replacedAt])).toEqual([
      [7, 800],
      [6, 700],
      [5, 600],
      [4, 500],
      [3, 400],
    ]);
    expect(losers[0]).toMatchObject({ stamp: stampAt(7), bytes: 3, arrival: { at: 700, from: FROM } });
  });

  test('counts nobody as replaced that still stands beside others', () => {
    const [history, change] = [new History(), changes()];
    const [a, b, c] = [write(1), write(2), write(3)];
    history.add(change(a), 1);
    history.add(change(b, [a, b]), 2);
    expect(history.losersOf(BUCKET, 'k')).toEqual([]);
    expect(history.arrivalOf(BUCKET, 'k', a)).toMatchObject({ at: 1 });
    history.add(change(c, [c]), 3);
    expect(history.losersOf(BUCKET, 'k').map(({ seq }) => seq)).toEqual([2, 1]);
  });

  test('what was taken out without another in its place counts as replaced', () => {
    const [history, change] = [new History(), changes()];
    history.add(change(write(1)), 1);
    history.add(change(write(1), [], { ...FROM, how: 'repair' }), 2);
    expect(history.losersOf(BUCKET, 'k')).toMatchObject([{ seq: 1, replacedAt: 2 }]);
  });

  test('of values it keeps a copy of the beginning, of deletes that they were', () => {
    const [history, change] = [new History(), changes()];
    const large = write(1, `"${'x'.repeat(5000)}"`);
    history.add(change(large), 1);
    history.add(change(write(2, null)), 2);
    history.add(change(write(3)), 3);
    const [deleted, cut] = history.losersOf(BUCKET, 'k');
    expect(deleted).toMatchObject({ preview: null, bytes: 0 });
    expect(cut).toMatchObject({ bytes: 5002 });
    expect(toText(cut?.preview ?? new Uint8Array())).toBe(`"${'x'.repeat(199)}`);
    expect(cut?.preview?.buffer.byteLength).toBe(200);
  });

  test('a key with very many values beside each other is remembered by the greatest of them', () => {
    const [history, change] = [new History(), changes()];
    const cell: Entry[] = [];
    for (let seq = 1; seq <= 100; seq++) {
      cell.push(write(seq));
      history.add(change(write(seq), [...cell]), seq);
    }
    expect(history.arrivalOf(BUCKET, 'k', write(100))).toBeDefined();
    expect(history.arrivalOf(BUCKET, 'k', write(50))).toBeUndefined();
    expect(history.losersOf(BUCKET, 'k')).toEqual([]);
  });

  test('forgets keys whose last change is long ago', () => {
    const [history, change] = [new History(2), changes()];
    for (const key of ['a', 'b', 'c', 'a', 'd']) history.add(change(write(1, '1', key)), 1);
    const isKnown = (key: string): boolean => history.arrivalOf(BUCKET, key, write(1)) !== undefined;
    expect(['a', 'b', 'c', 'd'].map(isKnown)).toEqual([true, false, true, true]);
  });

  test('remembers the last 5,000 keys, and of 10,000 more none of the first', () => {
    const [history, change] = [new History(), changes()];
    for (let i = 0; i < 15_000; i++) history.add(change(write(i + 1, '1', `k${i}`)), i);
    const isKnown = (i: number): boolean => history.arrivalOf(BUCKET, `k${i}`, write(i + 1)) !== undefined;
    expect([0, 4_999, 10_000, 14_999].map(isKnown)).toEqual([false, false, true, true]);
  });
});
