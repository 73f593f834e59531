import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OriginId } from '../../../src/base/ids.js';
import type { Cell } from '../../../src/data/cell.js';
import { isSound, sealEntry } from '../../../src/data/entry.js';
import type { Stamp } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { cellOfRow, cellRow } from '../../../src/storage/disk/cell-rows.js';
import { plain } from '../../compliance/storage.model.js';

const ORIGINS = ['A', 'B', 'C'].map((letter) => letter.repeat(21) as OriginId);
const numberOf = (origin: OriginId): number => ORIGINS.indexOf(origin);
const originOf = (number: number): OriginId | undefined => ORIGINS[number];
/** Named in contexts, and without a number. */
const STRANGERS = ['D', 'E'].map((letter) => letter.repeat(21) as OriginId);
const known = (origin: OriginId): number | undefined =>
  STRANGERS.includes(origin) ? undefined : numberOf(origin);
const KEY = 'clé';

const SEQ = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const CONTEXT = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ORIGINS, ...STRANGERS), SEQ), { selector: ([origin]) => origin })
  .map((rows) => new VersionVector(rows.map(([origin, seq]) => [origin, [1, 1, seq + 2, seq + 5]])))
  .filter((vector) => [...vector.entries()].every(([, [, , , last = 0]]) => Number.isSafeInteger(last)));
const ENTRY = fc
  .record({
    origin: fc.constantFrom(...ORIGINS),
    seq: SEQ,
    stamp: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    value: fc.option(fc.uint8Array({ maxLength: 30 })),
    context: fc.option(CONTEXT, { nil: undefined }),
  })
  .map(({ context, stamp, ...entry }) =>
    sealEntry({
      ...entry,
      key: KEY,
      stamp: stamp as Stamp,
      ...(context === undefined ? {} : { context }),
    }),
  );
const CELL = fc.array(ENTRY, { minLength: 1, maxLength: 4 });

const read = (row: Buffer): Cell => cellOfRow(KEY, Buffer.from(row), originOf);

describe('the row of a cell', () => {
  test('holds every cell exactly', () => {
    fc.assert(
      fc.property(CELL, (cell) => {
        expect(plain(read(cellRow(cell, numberOf, known)))).toEqual(plain(cell));
      }),
    );
  });

  test('of one entry without context is that of the first version', () => {
    const entry = { key: KEY, origin: ORIGINS[1] as OriginId, seq: 5, stamp: 7n as Stamp };
    const sealed = sealEntry({ ...entry, value: Buffer.from('"x"') });
    const head = '0101' + '00000001' + '0000000000000005' + '0000000000000007';
    const expected = head + Buffer.from(sealed.digest).toString('hex') + '227822';
    expect(cellRow([sealed], numberOf, known).toString('hex')).toBe(expected);
  });

  test('is read as far as it makes sense, whatever happened to it, and never taken for sound', () => {
    fc.assert(
      fc.property(CELL, fc.nat(), fc.integer({ min: 1, max: 255 }), (cell, place, change) => {
        const row = cellRow(cell, numberOf, known);
        const at = place % row.length;
        const changed = Buffer.from(row);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(read(changed).every(isSound)).toBe(false);
        // What is cut off between two entries is one entry less, and all right otherwise.
        const cut = read(row.subarray(0, at));
        expect(cut.length < cell.length || !cut.every(isSound)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
