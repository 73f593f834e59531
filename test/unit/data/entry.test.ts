import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toHex, utf8 } from '../../../src/base/bytes.js';
import type { OriginId } from '../../../src/base/ids.js';
import {
  compareEntries,
  compareWrites,
  type Entry,
  entryDigest,
  sealEntry,
} from '../../../src/data/entry.js';
import { policyOf } from '../../../src/data/policies/all.js';
import { lww } from '../../../src/data/policies/lww.js';
import { type Stamp, stampAt } from '../../../src/data/stamp.js';

/** Few of each, so that ties are common, the reused dot with two contents among them. */
const entry = fc
  .record({
    key: fc.constantFrom('k', 'l'),
    origin: fc.constantFrom('a', 'b').map((letter) => letter.repeat(21) as OriginId),
    seq: fc.integer({ min: 1, max: 3 }),
    stamp: fc.bigInt({ min: 1n, max: 3n }).map((n) => n as Stamp),
    value: fc.constantFrom(null, utf8('1'), utf8('2')),
  })
  .map(sealEntry);

const same = (a: Entry, b: Entry): boolean => toHex(a.digest) === toHex(b.digest);

describe('the order of writes', () => {
  test('is total and antisymmetric', () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        expect(Math.sign(compareEntries(a, b))).toBe(0 - Math.sign(compareEntries(b, a)));
        expect(compareEntries(a, b) === 0).toBe(same(a, b));
      }),
    );
  });

  test('is transitive', () => {
    fc.assert(
      fc.property(entry, entry, entry, (a, b, c) => {
        const [x, y, z] = [a, b, c].sort(compareEntries) as [Entry, Entry, Entry];
        expect(compareEntries(x, y) <= 0 && compareEntries(y, z) <= 0 && compareEntries(x, z) <= 0).toBe(
          true,
        );
      }),
    );
  });

  test('looks at stamp, then origin, then seq, then content', () => {
    const base = sealEntry({
      key: 'k',
      origin: 'b'.repeat(21) as OriginId,
      seq: 5,
      stamp: stampAt(5),
      value: null,
    });
    const other = (change: Partial<Entry>): Entry => sealEntry({ ...base, ...change });
    expect(compareWrites(other({ stamp: stampAt(6), seq: 1 }), base)).toBeGreaterThan(0);
    expect(compareWrites(other({ origin: 'a'.repeat(21) as OriginId, seq: 9 }), base)).toBeLessThan(0);
    expect(compareWrites(other({ seq: 6 }), base)).toBeGreaterThan(0);
    expect(compareWrites(other({ value: utf8('1') }), base)).toBe(0);
    expect(compareEntries(other({ value: utf8('1') }), base)).not.toBe(0);
  });

  test('the last writer wins, and nothing wins over itself', () => {
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        expect(policyOf('lww')).toBe(lww);
        expect([lww.admit([b], a), lww.admit([a], b)].filter(Boolean)).toHaveLength(same(a, b) ? 0 : 1);
      }),
    );
  });
});

describe('the digest of an entry', () => {
  const base = {
    key: 'Ville é',
    origin: 'V1StGXR8_Z5jdHi6B-myT' as OriginId,
    seq: 7,
    stamp: stampAt(1_700_000_000_000, 3),
    value: utf8('"Lyon"'),
  };

  test('has a layout that never changes', () => {
    expect(toHex(entryDigest(base))).toMatchInlineSnapshot(`"1a1e49f9354ef5686d3ea3d901c8a765"`);
    expect(toHex(entryDigest({ ...base, value: null }))).toMatchInlineSnapshot(
      `"e85323da91ee5fc06d8845271180d98f"`,
    );
  });

  test('covers every field', () => {
    const changes: Partial<Entry>[] = [
      { key: 'Ville e' },
      { origin: 'V1StGXR8_Z5jdHi6B-myU' as OriginId },
      { seq: 8 },
      { stamp: stampAt(1_700_000_000_000, 4) },
      { value: utf8('"Nice"') },
      { value: null },
    ];
    const all = [base, ...changes.map((change) => ({ ...base, ...change }))].map((e) =>
      toHex(entryDigest(e)),
    );
    expect(new Set(all).size).toBe(all.length);
  });

  test('a byte cannot move from the key to the value', () => {
    const [a, b] = [
      { ...base, key: 'ab', value: utf8('c') },
      { ...base, key: 'a', value: utf8('bc') },
    ];
    expect(entryDigest(a)).not.toEqual(entryDigest(b));
  });
});
