import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BucketName, LinkId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../../src/protocol/codec.js';
import type { Message, Vectors } from '../../../src/protocol/messages.js';
import { openBucket } from '../../../src/replica/bucket.js';
import { VectorExchange } from '../../../src/replica/vector-exchange.js';
import { BUCKET, op, origin, push, shown, Subject, vector } from './builders.js';

const LINK = 1 as LinkId;
const onWire = (message: Message): Vectors => decodeMessage(encodeMessage(message)) as Vectors;
const rowsOf = ({ buckets }: Vectors): string => buckets.map(([, rows]) => shown(rows)).join(' | ');
const told = (rows: string): Vectors => ({
  type: 'vectors',
  reply: false,
  buckets: [[BUCKET, vector(rows)]],
  changes: true,
});

/** One side of a link that tells, and the other that hears. */
function exchange(covered: string): {
  own: VersionVector;
  tell: () => Vectors;
  hear: (m: Vectors) => string;
} {
  const [teller, hearer] = [new VectorExchange(), new VectorExchange()];
  const bucket = openBucket(BUCKET, 'lww', undefined);
  bucket.vector.merge(vector(covered));
  return {
    own: bucket.vector,
    tell: () => teller.tell(LINK, [bucket], false),
    hear: (message) =>
      hearer
        .hear(LINK, onWire(message), () => true)
        .map((name) => shown(hearer.heard(LINK, name)))
        .join(''),
  };
}

describe('vectors on a link', () => {
  test('are whole the first time, and then the rows that have changed, be they more or less', () => {
    const { own, tell, hear } = exchange('a:1-3 b:1-5 c:1-1');
    const whole = tell();
    expect([whole.changes, rowsOf(whole), hear(whole)]).toEqual([undefined, shown(own), shown(own)]);
    own.add(origin('b'), 7, 9);
    own.add(origin('d'), 1, 1);
    own.removeAll(origin('a'), [2, 2]);
    const changes = tell();
    expect([changes.changes, rowsOf(changes)]).toEqual([true, 'a:1-1,3-3 b:1-5,7-9 d:1-1']);
    expect(hear(changes)).toBe(shown(own));
    expect(rowsOf(tell())).toBe('');
  });

  test('are whole again when a row has gone', () => {
    const { own, tell, hear } = exchange('a:1-3 b:1-5');
    hear(tell());
    own.removeAll(origin('a'), [1, 3]);
    const message = tell();
    expect([message.changes, hear(message)]).toEqual([undefined, 'b:1-5']);
  });

  test('always come to what the other side covers, whatever it does', () => {
    const act = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(fc.array(act, { maxLength: 4 }), { maxLength: 6 }), (rounds) => {
        const { own, tell, hear } = exchange('');
        for (const acts of rounds) {
          for (const [letter, seq, isGain] of acts) {
            if (isGain) own.add(origin(letter), seq, seq);
            else own.removeAll(origin(letter), [seq, seq]);
          }
          expect(hear(tell())).toBe(shown(own));
        }
      }),
    );
  });

  test('are whole again, and must be, when the link has gone', () => {
    const side = new VectorExchange();
    const bucket = openBucket(BUCKET, 'lww', undefined);
    side.tell(LINK, [bucket], false);
    side.hear(LINK, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] }, () => true);
    side.linkDown(LINK);
    expect(side.tell(LINK, [bucket], false).changes).toBeUndefined();
    expect(() => side.hear(LINK, told('a:1-2'), () => true)).toThrow('was not told');
  });

  test('are the receiver’s own: what it learns otherwise does not change what it was told', () => {
    const hearer = new VectorExchange();
    const heard = (message: Vectors): VersionVector => {
      hearer.hear(LINK, message, () => true);
      return hearer.heard(LINK, BUCKET);
    };
    heard({ ...told('a:1-3'), changes: undefined } as never).add(origin('z'), 1, 9);
    expect(shown(heard(told('b:1-2')))).toBe('a:1-3 b:1-2');
  });
});

describe('a peer', () => {
  test('forgets by the next vectors what it only believed of its neighbour', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    const known = (): string =>
      shown(subject.replica.core.links.get(link)?.vectors.get(BUCKET) ?? vector(''));
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] });
    // Pushed to it, and perhaps lost on the way.
    subject.write(['k', 'v']);
    expect(known()).toBe('a:1-1 m:1-1');
    subject.say(link, told('b:1-1'));
    expect(known()).toBe('a:1-1 b:1-1');
  });

  test('begins anew on each link', () => {
    const subject = new Subject();
    subject.write(['k', 'v']);
    const link = subject.meet('A');
    subject.say(link, push(op('a', 1, 1, 'k')));
    subject.say(link, { type: 'vectors', reply: true, buckets: [[BUCKET, vector('a:1-1')]] });
    subject.take({ kind: 'linkClosed', link, reason: 'gone' });
    const next = subject.meet('A');
    subject.say(next, { type: 'vectors', reply: true, buckets: [[BUCKET, vector('a:1-1')]] });
    expect(subject.sent('vectors', link).map(rowsOf)).toEqual(['a:1-1 m:1-1']);
    expect(subject.sent('vectors', next).map(rowsOf)).toEqual(['a:1-1 m:1-1']);
  });

  test('ends a link on which changes are told of what was not', () => {
    const subject = new Subject();
    const link = subject.meet('A');
    subject.say(link, told('a:1-1'));
    expect(subject.closes).toEqual([link]);
    expect(subject.sent('goodbye', link)[0]?.reason).toContain('changes of a vector that was not told');
  });

  test('takes no more rows by changes upon changes than there can be', () => {
    const hearer = new VectorExchange();
    hearer.hear(LINK, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('')]] }, () => true);
    hearer.hear(LINK, many(0), () => true);
    expect(() => hearer.hear(LINK, many(40_000), () => true)).toThrow('a vector without end');
  });

  test('keeps nothing of buckets that it has not, or does not replicate on this link, and is told changes of them', () => {
    const hearer = new VectorExchange();
    const ours = (name: BucketName): boolean => name === BUCKET;
    const unknown = (i: number): BucketName => `unknown-${i}` as BucketName;
    const row = vector('a:1-1');
    for (let n = 0; n < 10; n++) {
      const names = [...Array.from({ length: 100 }, (_, i) => unknown(100 * n + i)), BUCKET];
      const buckets = names.map((name) => [name, row.clone()] as const);
      expect(hearer.hear(LINK, { type: 'vectors', reply: false, buckets }, ours)).toEqual([BUCKET]);
      for (const name of names) expect(hearer.heard(LINK, name).size).toBe(name === BUCKET ? 1 : 0);
    }
    const changes: Vectors = { ...told(''), buckets: [[unknown(0), row]] };
    expect(hearer.hear(LINK, changes, ours)).toEqual([]);
  });

  test('compares no more rows than vectors of any use have, whatever they name, and later again', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] });
    const link = subject.meet('A');
    subject.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector('a:1-1')]] });
    subject.say(link, many(0));
    const known = (): string =>
      shown(
        new VersionVector([
          [origin('a'), subject.replica.core.links.get(link)?.vectors.get(BUCKET)?.get(origin('a')) ?? []],
        ]),
      );
    let seq = 1;
    const change = (): boolean => {
      subject.say(link, told(`a:1-${++seq}`));
      return known() === `a:1-${seq}`;
    };
    expect(change()).toBe(true);
    const compared = Array.from({ length: 60 }, change);
    expect(compared.filter((isSeen) => isSeen).length).toBeLessThan(55);
    subject.pass(1000);
    // Nothing of what was told meanwhile is lost.
    expect(change()).toBe(true);
    expect(subject.closes).toEqual([]);
  });

  test('answers each digest, those that are more than it compares by vectors of nothing', () => {
    const subject = new Subject({ pingTimeoutMs: 1e9, antiEntropyMs: [1e8, 1e8] });
    const link = subject.meet('A');
    for (const [, rows] of many(0).buckets) subject.bucket.vector.merge(rows);
    subject.clear();
    const ask = (round: number): void => {
      const buckets = [{ bucket: BUCKET, vectorHash: new Uint8Array(16), stateHash: new Uint8Array(16) }];
      subject.say(link, { type: 'digest', round, buckets, membersHash: subject.replica.members.hash() });
    };
    for (let round = 1; round <= 60; round++) ask(round);
    const answers = subject.sent('vectors', link);
    expect(answers.map(({ reply }) => reply)).toEqual(Array.from({ length: 60 }, () => true));
    expect(answers.filter(({ buckets }) => buckets.length > 0).length).toBeLessThan(55);
    subject.pass(1000);
    ask(61);
    expect(subject.sent('vectors', link).map(({ buckets }) => buckets.length)).toEqual([1]);
  });
});

/** Rows of 40,000 origins that nobody has heard of, numbered from `first` on. */
function many(first: number): Vectors {
  const rows = vector('');
  for (let i = first; i < first + 40_000; i++) rows.add(`${i}`.padStart(21, 'x') as never, 1, 1);
  return { ...told(''), buckets: [[BUCKET, rows]] };
}
