import { expect, test } from '@jest/globals';
import { Random } from '../../src/base/random.js';
import { LightStorage } from '../../simulator/light-storage.js';
import { peerId } from '../unit/replica/builders.js';
import { BUCKETS, expectSame, KEYS, ORIGINS } from '../compliance/storage.checks.js';
import { type Op, StoreModel } from '../compliance/storage.model.js';

/** Writes as they come in a large world: origins count on, with small gaps where a frame was lost. */
function draw(random: Random): Op {
  const pick = <T>(items: readonly T[]): T => items[random.integer(0, items.length - 1)] as T;
  return {
    bucket: pick(BUCKETS),
    origin: pick(ORIGINS),
    key: pick(KEYS),
    value: random.float() < 0.3 ? null : Uint8Array.of(random.integer(0, 255)),
    kind: pick(['replace', 'replace', 'beside', 'drop']),
    skip: pick([0, 0, 0, 3, 17]),
  };
}

test('the store of large worlds shows what any store shows', () => {
  const random = Random.fromNumber(7);
  const store = new LightStorage({ peerId: peerId('p'), origin: ORIGINS[0] as Op['origin'] });
  const model = new StoreModel();
  expectSame(store, model, [{}]);
  for (let i = 0; i < 60; i++) {
    store.commit(model.batch(Array.from({ length: random.integer(1, 6) }, () => draw(random))));
    if (i % 10 === 9) expectSame(store, model, [{}, { prefix: 'a' }, { after: 'ab' }]);
  }
  expectSame(store, model);
  expect(
    ORIGINS.some((origin) => [...store.tombstones(BUCKETS[0] as Op['bucket'], origin, 1, 100)].length > 0),
  ).toBe(true);
});
