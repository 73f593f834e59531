import { describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../src/base/errors.js';
import { stampAt, stampMillis } from '../../../src/data/stamp.js';
import { unpackOps } from '../../../src/protocol/codec.js';
import type { OpResult } from '../../../src/replica/step.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, chunk, digestOf, EPOCH, op, origin, peerId, push, Subject, vector } from './builders.js';

const HOUR = 3_600_000;

/** The results of a write that must have succeeded. */
function done(outcome: ReturnType<Subject['write']>): readonly OpResult[] {
  if (outcome instanceof RumeurError) throw outcome;
  if (outcome.kind !== 'written') throw new Error(`no write, but ${outcome.kind}`);
  return outcome.results;
}

/** The code of a write that must have been refused. */
const codeOf = (outcome: ReturnType<Subject['write']>): string =>
  outcome instanceof RumeurError ? outcome.code : 'it was written';

describe('writing', () => {
  test('gives each write a dot and a stamp, and says what was there', () => {
    const subject = new Subject();
    const [first] = done(subject.write(['k', 'one']));
    expect(first).toMatchObject({
      found: false,
      entry: { origin: origin('m'), seq: 1, stamp: stampAt(EPOCH) },
    });
    const [second] = done(subject.write(['k', 'two']));
    expect(second).toMatchObject({ found: true, entry: { seq: 2, stamp: stampAt(EPOCH, 1) } });
    expect(subject.covered).toBe('m:1-2');
  });

  test('several in one commit, one key twice among them: the last one stands', () => {
    const subject = new Subject();
    const step = subject.take({
      kind: 'writes',
      writes: [
        { request: 1, bucket: BUCKET, ops: ['1', '2'].map((v) => ({ key: 'k', value: Buffer.from(v) })) },
      ],
    });
    expect(step.persist?.puts.map(({ before, after }) => [after[0]?.seq, before[0]?.seq])).toEqual([
      [2, undefined],
    ]);
    expect(subject.data).toEqual({ k: 2 });
    expect(subject.bucket.keys).toBe(1);
    expect([...subject.storage.dots(BUCKET, origin('m'), 1, 9, 'falling')].map(({ seq }) => seq)).toEqual([
      2,
    ]);
  });

  test('set, delete and set again in one commit', () => {
    const subject = new Subject();
    const found = done(subject.write(['k', 'a'], ['k', null], ['k', null], ['k', 'b'])).map((r) => r.found);
    expect(found).toEqual([false, true, false, false]);
    expect(subject.data).toEqual({ k: 'b' });
    expect(subject.covered).toBe('m:1-3');
  });

  test('a delete of what is not there writes nothing', () => {
    const subject = new Subject();
    expect(done(subject.write(['k', null]))).toEqual([{ found: false, cell: [] }]);
    subject.write(['k', 'v'], ['k', null]);
    expect(done(subject.write(['k', null]))).toMatchObject([{ found: false, cell: [{ seq: 2 }] }]);
    expect(done(subject.write(['k', null]))[0]).not.toHaveProperty('entry');
    expect(subject.covered).toBe('m:1-2');
    expect(subject.bucket.keys).toBe(0);
  });

  test('an unknown bucket is refused', () => {
    const subject = new Subject();
    const other = 'other' as typeof BUCKET;
    const step = subject.take({ kind: 'writes', writes: [{ request: 1, bucket: other, ops: [] }] });
    expect(step.replies[0]?.outcome).toMatchObject({ code: 'BUCKET_UNKNOWN' });
  });

  test('exceeds what it replaces, also when that is from a clock that is ahead', () => {
    const subject = new Subject();
    subject.learn(subject.meet('A'), op('a', 1, 59_000, 'k'));
    subject.write(['k', 'mine'], ['l', 'mine']);
    expect(subject.data).toEqual({ k: 'mine', l: 'mine' });
    expect(subject.get('k')?.stamp).toBe(stampAt(EPOCH + 59_000, 1));
  });

  test('a stamp at the very end of the horizon does not fail a write half done', () => {
    const subject = new Subject();
    subject.learn(subject.meet('A'), { ...op('a', 1, 0, 'k'), stamp: stampAt(EPOCH + 60_000, 0xffff) });
    expect(done(subject.write(['k', '1'], ['l', '2'], ['k', '3']))).toHaveLength(3);
    expect(subject.data).toEqual({ k: '3', l: '2' });
  });
});

describe('clocks that are off', () => {
  test('two neighbours that agree against us: writes are refused, reads and the rest go on', () => {
    const subject = new Subject();
    subject.meet('A', { hello: { clock: EPOCH - HOUR } });
    expect(codeOf(subject.write(['k', 'v']))).toBe('it was written');
    subject.meet('B', { hello: { clock: EPOCH - HOUR } });
    expect(codeOf(subject.write(['k', 'w']))).toBe('CLOCK_DRIFT');
    expect(subject.data).toEqual({ k: 'v' });
    expect(subject.covered).toBe('m:1-1');
  });

  test('a clock that ran ahead and was set right: a new origin, and only keys from the future are refused', () => {
    const subject = new Subject();
    subject.skew = HOUR;
    subject.write(['old', 'ahead']);
    subject.skew = 0;
    expect(codeOf(subject.write(['new', 'v'], ['old', 'v']))).toBe('CLOCK_DRIFT');
    expect(subject.data).toEqual({ old: 'ahead' });
    const [fresh] = done(subject.write(['new', 'v']));
    expect(fresh?.entry?.origin).not.toBe(origin('m'));
    expect(fresh?.entry?.seq).toBe(1);
    expect(stampMillis(fresh?.entry?.stamp ?? stampAt(0))).toBe(EPOCH);
    expect(subject.notes).toContain('origin-changed');
    // The store says the same, clock included: what goes on from it does not go on from the future.
    const { ids } = subject.storage.snapshot();
    expect(ids.origin).toBe(fresh?.entry?.origin);
  });

  test('the new origin and its clock are stored even if nothing could be written', () => {
    const subject = new Subject();
    subject.skew = HOUR;
    subject.write(['old', 'ahead']);
    subject.skew = 0;
    const step = subject.take({
      kind: 'writes',
      writes: [{ request: 1, bucket: BUCKET, ops: [{ key: 'old', value: Buffer.from('1') }] }],
    });
    expect(step.persist?.origin).toBeDefined();
    expect(step.persist?.clock).toBe(stampAt(EPOCH));
  });

  test('a clock that jumps back between two pings is noticed at once', () => {
    const subject = new Subject();
    for (const letter of ['A', 'B']) subject.meet(letter, { hello: { clock: EPOCH } });
    subject.write(['k', 'v']);
    subject.skew = -HOUR;
    expect(codeOf(subject.write(['k', 'w']))).toBe('CLOCK_DRIFT');
    subject.skew = 0;
    expect(codeOf(subject.write(['k', 'w']))).toBe('it was written');
    expect(subject.notes).not.toContain('origin-changed');
  });

  test('while it is our clock that is wrong, the origin stays', () => {
    const subject = new Subject();
    subject.write(['k', 'v']);
    subject.skew = -HOUR;
    for (const letter of ['A', 'B']) subject.meet(letter, { hello: { clock: EPOCH } });
    expect(codeOf(subject.write(['k', 'w']))).toBe('CLOCK_DRIFT');
    expect(subject.notes).not.toContain('origin-changed');
  });
});

describe('an origin that was used elsewhere', () => {
  /** A peer on an older copy of its store: seqs 1 and 2 stand there, `more` were written since it was opened. */
  function restored(more: number): Subject {
    const before = new Subject();
    before.write(['x', 'before'], ['y', 'before']);
    const ids = { peerId: peerId('M'), origin: origin('m') };
    const snapshot = before.storage.snapshot();
    const subject = new Subject({}, new MemoryStorage(ids, { snapshot, provenance: 'untouched' }));
    subject.now = 10;
    for (let i = 0; i < more; i++) subject.write([`own-${i}`, 'mine']);
    return subject;
  }

  test('is left at once, before anything is written, when a neighbour covers more than we wrote', () => {
    const subject = restored(0);
    const link = subject.meet('A');
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-5')]] });
    const [own] = done(subject.write(['k', 'v']));
    expect(own?.entry?.origin).not.toBe(origin('m'));
    expect(subject.notes).toContain('origin-changed');
  });

  test('also when its writes come by push or by delta', () => {
    const pushed = restored(0);
    pushed.say(pushed.meet('A'), push(op('m', 5, 5, 'x')));
    pushed.take({ kind: 'wake' });
    expect(pushed.replica.core.origin).not.toBe(origin('m'));
    const pulled = restored(0);
    const link = pulled.meet('A', { hello: { buckets: [digestOf('m:1-2 a:1-1')] } });
    pulled.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-2 a:1-1')]] });
    pulled.pass(100);
    const [asked] = pulled.sent('deltaRequest');
    expect(pulled.replica.core.origin).toBe(origin('m'));
    pulled.say(link, chunk({ request: asked?.request ?? 0, claims: vector('m:3-3 a:1-1'), last: true }));
    pulled.take({ kind: 'wake' });
    expect(pulled.replica.core.origin).not.toBe(origin('m'));
  });

  test('what was written since is written again; what others wrote under those dots is fetched', () => {
    const subject = restored(2);
    const link = subject.meet('A');
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-6')]] });
    subject.clear();
    subject.pass(100);
    const fresh = subject.replica.core.origin;
    const [pushed] = subject.sent('push', link);
    const again = unpackOps(fresh, pushed?.body ?? new Uint8Array());
    expect(again.map(({ seq, key }) => [seq, key])).toEqual([
      [1, 'own-0'],
      [2, 'own-1'],
    ]);
    expect(subject.get('own-1')).toMatchObject({ origin: fresh, seq: 2 });
    // The dots 3 and 4 name other writes elsewhere, which this store has skipped so far.
    const [asked] = subject.sent('deltaRequest');
    expect(asked?.vector.get(origin('m'))).toEqual([1, 2]);
    expect(subject.bucket.vector.get(fresh)).toEqual([1, 2]);
    expect(subject.data).toEqual({ x: 'before', y: 'before', 'own-0': 'mine', 'own-1': 'mine' });
  });

  test('a deletion is written again too', () => {
    const subject = restored(0);
    subject.write(['x', null]);
    subject.say(subject.meet('A'), { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-6')]] });
    subject.take({ kind: 'wake' });
    expect(subject.get('x')).toMatchObject({ origin: subject.replica.core.origin, value: null });
  });

  test('what a neighbour knows of what we wrote is no reason to leave', () => {
    const subject = restored(2);
    subject.say(subject.meet('A'), { type: 'vectors', reply: false, buckets: [[BUCKET, vector('m:1-4')]] });
    subject.pass(100);
    expect(subject.replica.core.origin).toBe(origin('m'));
  });
});
