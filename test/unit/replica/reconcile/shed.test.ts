import { describe, expect, test } from '@jest/globals';
import type { EntryWithoutDigest } from '../../../../src/data/entry.js';
import { fromAscending } from '../../../../src/data/intervals.js';
import { VersionVector } from '../../../../src/data/version-vector.js';
import { BUCKET, op, shown, vector } from '../builders.js';
import { Side, talk } from './sides.js';

const bySeq = (a: EntryWithoutDigest, b: EntryWithoutDigest): number => a.seq - b.seq;

/**
 * `b` has dropped the tombstone y.1 of `k`; `a` has been away and still holds what it deleted, x.1, beside `m`, which
 * both hold.
 */
function below(): { a: Side; b: Side } {
  const a = new Side('A');
  const b = new Side('B');
  const old = [op('x', 1, 1, 'k'), op('x', 2, 2, 'm')];
  a.learn(...old);
  b.learn(...old, op('y', 1, 5, 'k', null));
  b.bury('k');
  expect([a.live, b.held]).toEqual(['k=x1 m=x2', 'm=x2']);
  return { a, b };
}

function shed(a: Side, b: Side): void {
  a.start('shed');
  talk(a, b);
}

describe('a peer below the floor of another', () => {
  test('sheds what the other side covers and does not hold, and takes its floor', () => {
    const { a, b } = below();
    shed(a, b);
    expect(a.held).toBe('m=x2');
    expect(shown(a.bucket.floor)).toBe(shown(b.bucket.floor));
    expect(a.last).toMatchObject({ mode: 'shed', outcome: 'done', passes: 1, dropped: 1, repaired: 0 });
    expect(a.core.counters).toMatchObject({ reconciliations: 1, shed: 1 });
    expect(a.isHashRight).toBe(true);
  });

  test('keeps what the other side has never covered', () => {
    const { a, b } = below();
    a.learn(op('w', 1, 3, 'k'), op('w', 2, 9, 'n'));
    shed(a, b);
    expect(a.live).toBe('k=w1 m=x2 n=w2');
    expect(a.last.dropped).toBe(0);
  });

  test('gets what stands against its own entries, tombstones too, and covers it', () => {
    const { a, b } = below();
    b.learn(op('y', 2, 6, 'm', null));
    shed(a, b);
    expect(a.held).toBe('m=-y2');
    expect(shown(a.bucket.vector)).toBe('x:1-2 y:2-2');
    expect(a.last).toMatchObject({ passes: 1, dropped: 1, repaired: 1 });
  });

  test('without a live entry asks once and takes the floor at once', () => {
    const { b } = below();
    const a = new Side('A');
    a.learn(op('z', 1, 1, 'gone', null));
    shed(a, b);
    expect(shown(a.bucket.floor)).toBe('x:1-2 y:1-1');
    expect(a.last).toMatchObject({ outcome: 'done', roundTrips: 1, dropped: 0 });
  });

  test('drops nothing that was written over meanwhile', () => {
    const { a, b } = below();
    a.start('shed');
    talk(a, b, (from, message) => {
      if (from === b && message.type === 'answer') a.learn(op('a', 1, 50, 'k'));
    });
    expect(a.live).toBe('k=a1 m=x2');
    expect(a.last).toMatchObject({ outcome: 'done', passes: 1, dropped: 0 });
  });

  test('begins again when something that the other side covers comes in meanwhile', () => {
    const { a, b } = below();
    b.learn(op('v', 1, 3, 'q'), op('y', 2, 6, 'q', null));
    b.bury('q');
    a.start('shed');
    let told = false;
    talk(a, b, (from, message) => {
      if (from === b && message.type === 'differ' && !told) {
        told = true;
        // From a third peer, which is below the floor as well.
        a.learn(op('v', 1, 3, 'q'));
      }
    });
    expect(a.live).toBe('m=x2');
    expect(a.last).toMatchObject({ outcome: 'done', passes: 2, dropped: 2 });
    expect(b.bucket.floor.within(a.bucket.floor)).toBe(true);
  });

  test('gives up without the other floor when things keep coming in', () => {
    const { a, b } = below();
    const late: EntryWithoutDigest[] = [];
    for (let seq = 1; seq <= 9; seq++) late.push(op('v', seq, seq, `q${seq}`));
    b.learn(...late);
    a.start('shed');
    talk(a, b, (from, message) => {
      const next = late[0];
      if (from !== b || message.type !== 'differ' || !message.start || !next) return;
      late.shift();
      a.learn(next);
    });
    expect(a.last).toMatchObject({ outcome: 'restless', passes: 3 });
    // Its own names what it has dropped, so that nobody learns from it to cover that.
    expect(shown(a.bucket.floor)).toBe('x:1-1');
    expect(a.asker.occupancy(a.bucket)).toBeUndefined();
  });

  test('takes no floor that names a tombstone which lies beyond its horizon', () => {
    const { a, b } = below();
    b.learn(op('y', 2, 90_000, 'm', null));
    b.turn((turn) => turn.raiseFloor(b.bucket, b.bucket.vector));
    shed(a, b);
    expect(a.held).toBe('m=x2');
    expect(a.last).toMatchObject({ outcome: 'deferred', deferred: 1, dropped: 1 });
    expect(shown(a.bucket.floor)).toBe('x:1-1');
    // When its time has come all is well.
    a.now = b.now = 31_000;
    shed(a, b);
    expect(a.held).toBe('m=-y2');
    expect(a.last.outcome).toBe('done');
  });

  test('a live entry beyond the horizon leaves its rival standing, and comes by a delta', () => {
    const { a, b } = below();
    b.learn(op('y', 2, 90_000, 'm'));
    shed(a, b);
    expect(a.held).toBe('m=x2');
    expect(shown(a.bucket.vector)).toBe('x:1-2');
    expect(a.last).toMatchObject({ outcome: 'done', deferred: 1 });
  });
});

describe('what was deleted here does not come back', () => {
  /** `a` has dropped y.1, the tombstone of x.2 and x.1; then x.1, or w.1, came late and stands. `b` has not heard of y.1. */
  function outsider(): { a: Side; b: Side } {
    const a = new Side('A');
    const b = new Side('B');
    a.learn(op('x', 1, 1, 'k'), op('x', 2, 2, 'k'), op('y', 1, 5, 'k', null));
    a.bury('k');
    b.learn(op('w', 1, 1, 'k'), op('x', 2, 2, 'k'), op('x', 1, 1, 'k'));
    a.learn(op('w', 1, 1, 'k'));
    expect([a.live, b.live]).toEqual(['k=w1', 'k=x2']);
    return { a, b };
  }

  test('when the other side offers it against a late write: both go', () => {
    const { a, b } = outsider();
    a.start('repair');
    talk(a, b);
    expect(a.live).toBe('');
    b.start('shed');
    talk(a, b);
    expect(b.live).toBe('');
    expect(a.bucket.floor.within(b.bucket.floor)).toBe(true);
  });

  test('nor when the other side asks first', () => {
    const { a, b } = outsider();
    b.start('shed');
    talk(a, b);
    expect(b.live).toBe('');
    a.start('repair');
    talk(a, b);
    expect(a.live).toBe('');
  });
});

test('a session that was cut has done no harm, and the next one ends it', () => {
  const a = new Side('A');
  const b = new Side('B');
  const ops = Array.from({ length: 2000 }, (_, i) => op('x', i + 1, i + 1, `k${i + 1}`));
  const gone = ops.map(({ key }, i) => op('y', i + 1, 3000 + i, key, null));
  a.learn(...ops);
  b.learn(...ops, ...gone);
  for (const { key } of gone) b.bury(key);
  b.learn(op('z', 1, 9999, 'm'));
  a.start('shed');
  let answers = 0;
  talk(a, b, (from, message) => {
    if (from === b && message.type === 'answer' && ++answers === 1)
      a.turn((turn) => a.asker.linkDown(turn, a.link.id));
  });
  expect(a.last.outcome).toBe('linkDown');
  expect(a.bucket.floor.size).toBe(0);
  a.start('shed');
  talk(a, b);
  expect(a.last).toMatchObject({ outcome: 'done', dropped: 2000 });
  expect(a.held).toBe('');
  expect(a.bucket.vector.within(vector('x:1-2000'))).toBe(true);
});

test('what was dropped is in the floor when a session is cut, also in a floor that is full of gaps', () => {
  const a = new Side('A');
  const b = new Side('B');
  const ops = Array.from({ length: 2000 }, (_, i) => op('x', 2 * i + 1, i + 1, `k${i}`));
  const gone = ops.map(({ key }, i) => op('y', i + 1, 3000 + i, key, null));
  a.learn(...ops);
  b.learn(...ops, ...gone);
  for (const { key } of gone) b.bury(key);
  const gaps = Array.from({ length: 5_000 }, (_, i) => 2 * i + 1);
  a.bucket.floor.addAll(op('z', 1, 1, '').origin, fromAscending(gaps));
  a.start('shed');
  let answers = 0;
  talk(a, b, (from, message) => {
    if (from === b && message.type === 'answer' && ++answers === 2)
      a.turn((turn) => a.asker.linkDown(turn, a.link.id));
  });
  expect(a.last).toMatchObject({ outcome: 'linkDown', dropped: 1024 });
  const dropped = a.bucket.vector.minus(
    VersionVector.ofDots([...a.storage.cells(BUCKET, {})].flat().sort(bySeq)),
  );
  expect(dropped.count()).toBe(1024);
  expect(dropped.within(a.bucket.floor)).toBe(true);
});
