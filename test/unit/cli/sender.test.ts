import { describe, expect, test } from '@jest/globals';
import { BatchSender, type Sink } from '../../../cli/transfer/sender.js';
import type { Entry } from '../../../cli/transfer/record.js';
import { RumeurError, type ErrorCode } from '../../../src/base/errors.js';

const entry = (number: number, key = `k${number}`, value = String(number)): Entry => ({ number, key, value });

/** A place for entries that takes them at once, in order, unless told otherwise. */
class Place implements Sink {
  readonly data = new Map<string, string>();
  readonly batches: number[] = [];
  /** Keys that it refuses, alone or in a batch. */
  readonly refused = new Map<string, ErrorCode>();
  /** Errors of the next batches, whatever is in them. */
  readonly next: (ErrorCode | undefined)[] = [];
  underWay = 0;
  most = 0;

  async setMany(entries: readonly Entry[]): Promise<void> {
    this.most = Math.max(this.most, ++this.underWay);
    const failure = this.next.shift() ?? entries.map(({ key }) => this.refused.get(key)).find((code) => code);
    if (failure === undefined) {
      this.batches.push(entries.length);
      for (const { key, value } of entries) this.data.set(key, value);
    }
    await new Promise(setImmediate);
    this.underWay--;
    if (failure !== undefined) throw new RumeurError(failure, 'refused');
  }

  async set({ key, value }: Entry): Promise<void> {
    await Promise.resolve();
    const code = this.refused.get(key);
    if (code !== undefined) throw new RumeurError(code, 'refused');
    this.data.set(key, value);
  }
}

function sender(place: Place) {
  const bad: number[] = [];
  return { bad, it: new BatchSender(place, { onBad: ({ number }) => bad.push(number), patienceMs: 5000 }) };
}

describe('BatchSender', () => {
  test('sends batches of at most 1,000, several under way, and everything arrives', async () => {
    const place = new Place();
    const { it } = sender(place);
    for (let i = 0; i < 10_500; i++) await it.add(entry(i));
    await it.finish();
    expect(place.data.size).toBe(10_500);
    expect(Math.max(...place.batches)).toBe(1000);
    expect(place.most).toBeGreaterThan(1);
    expect(place.most).toBeLessThanOrEqual(4);
    expect(it.written).toBe(10_500);
  });

  test('large values make small batches', async () => {
    const place = new Place();
    const { it } = sender(place);
    for (let i = 0; i < 10; i++) await it.add(entry(i, `k${i}`, `"${'x'.repeat(100_000)}"`));
    await it.finish();
    expect(place.batches).toEqual([2, 2, 2, 2, 2]);
  });

  test('names the entry for which a batch is refused and writes the others', async () => {
    const place = new Place();
    place.refused.set('k5', 'KEY_TOO_LONG').set('k1500', 'VALUE_TOO_LARGE');
    const { it, bad } = sender(place);
    for (let i = 0; i < 3000; i++) await it.add(entry(i));
    await it.finish();
    expect(bad.sort((a, b) => a - b)).toEqual([5, 1500]);
    expect(place.data.size).toBe(2998);
    expect(it.written).toBe(2998);
  });

  test('asks a busy peer again, and an older value does not replace a later one', async () => {
    const place = new Place();
    place.next.push('OVERLOADED');
    const { it } = sender(place);
    for (let i = 0; i < 1000; i++) await it.add(entry(i, `k${i}`, '"old"'));
    for (let i = 0; i < 1000; i++) await it.add(entry(1000 + i, `k${i + 500}`, '"new"'));
    await it.finish();
    expect(place.data.get('k499')).toBe('"old"');
    expect(place.data.get('k500')).toBe('"new"');
    expect(place.data.size).toBe(1500);
  });

  test('any other error ends the whole transfer', async () => {
    const place = new Place();
    place.next.push(undefined, 'READ_ONLY');
    const { it } = sender(place);
    const all = async (): Promise<void> => {
      for (let i = 0; i < 100_000; i++) await it.add(entry(i));
      await it.finish();
    };
    await expect(all()).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(it.written).toBeGreaterThanOrEqual(1000);
    expect(place.batches.length).toBeLessThan(10);
  });
});
