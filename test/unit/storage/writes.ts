import { Buffer } from 'node:buffer';
import { type BucketName, DEFAULT_BUCKET, type OriginId } from '../../../src/base/ids.js';
import type { Storage } from '../../../src/storage/storage.js';
import { type Op, StoreModel } from '../../compliance/storage.model.js';

export const ORIGIN = 'A'.repeat(21) as OriginId;
export const OTHER_BUCKET = 'other' as BucketName;

export const op = (key: string, value: string | null, more: Partial<Op> = {}): Op => ({
  bucket: DEFAULT_BUCKET,
  origin: ORIGIN,
  key,
  value: value === null ? null : Buffer.from(value),
  ...more,
});

/** Puts a few cells of every kind, over several blocks, into the store. */
export async function fill(storage: Storage): Promise<StoreModel> {
  const model = new StoreModel();
  for (let i = 0; i < 50; i++) {
    const more = { origin: (i % 2 === 0 ? 'B' : 'A').repeat(21) as OriginId, skip: i * 10 };
    storage.commit(model.batch([op(`key ${i}`, i % 7 === 0 ? null : `value ${i}`, more)]));
  }
  storage.commit(
    model.batch([
      op('key 1', 'again'),
      op('key 2', null),
      op('siblings', '1'),
      op('siblings', '2', { kind: 'beside', hasContext: true }),
      op('siblings', null, { kind: 'beside' }),
      op('key 1', 'elsewhere', { bucket: OTHER_BUCKET }),
    ]),
  );
  await storage.flushed();
  return model;
}
