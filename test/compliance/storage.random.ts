import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Storage } from '../../src/storage/storage.js';
import { BUCKETS, expectSame, KEYS, ORIGINS } from './storage.checks.js';
import { comparable, StoreModel } from './storage.model.js';
import type { StorageUnderTest } from './storage.suite.js';

const OPS = fc.record({
  bucket: fc.constantFrom(...BUCKETS),
  origin: fc.constantFrom(...ORIGINS),
  key: fc.constantFrom(...KEYS),
  value: fc.option(fc.uint8Array({ maxLength: 40 })),
  kind: fc.constantFrom('replace', 'replace', 'beside', 'drop'),
  /** Within blocks, over the ends of blocks of each level, and beyond 32 bits. */
  skip: fc.constantFrom(0, 0, 0, 3, 17, 1_000, 70_000, 2 ** 33),
  hasContext: fc.boolean(),
});

const STEP = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), ops: fc.array(OPS, { maxLength: 6 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('turn' as const, 'flush' as const, 'check' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** All views against a plain model, with batches on their way to the disk at every check. */
export function randomBatches(engine: () => Promise<StorageUnderTest>, runs: number): void {
  test('random batches, scans and restarts agree with a plain model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = await engine();
        let store: Storage = await run.open();
        const expected = new StoreModel();
        try {
          for (const each of steps) {
            if (each.kind === 'commit') store.commit(expected.batch(each.ops));
            else if (each.kind === 'turn') await nextTurn();
            else if (each.kind === 'flush') await store.flushed();
            else if (each.kind === 'reopen') store = await run.reopen(store);
            else expectSame(store, expected, [{}, { prefix: 'a' }, { after: 'ab' }]);
          }
          expectSame(store, expected);
          store = await run.reopen(store);
          expect(comparable(store.initial)).toEqual(expected.stored());
          expectSame(store, expected);
        } finally {
          await run.dispose(store);
        }
      }),
      { numRuns: runs },
    );
  });
}
