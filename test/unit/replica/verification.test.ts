import { describe, expect, test } from '@jest/globals';
import type { RumeurError } from '../../../src/base/errors.js';
import type { LinkId } from '../../../src/base/ids.js';
import { isLive } from '../../../src/data/cell.js';
import { STALL_MS } from '../../../src/replica/reconcile/bounds.js';
import type { Input, Reply, Step } from '../../../src/replica/step.js';
import type { Comparison } from '../../../src/replica/comparison.js';
import type { ReplicaSettings } from '../../../src/replica/replica.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import { BUCKET, digestOf, helloOf, origin, peerId, Subject, vector } from './builders.js';

const LINK = 1 as LinkId;
/** The number of the requests to verify. */
const ASKED = 1000;

/** A replica that keeps what it sends and answers as it is. */
class Talker extends Subject {
  readonly mail: Uint8Array[] = [];
  readonly answers: Reply[] = [];

  constructor(letter: string, settings: Partial<ReplicaSettings> = {}) {
    const ids = { peerId: peerId(letter), origin: origin(letter.toLowerCase()) };
    super({ url: `http://${letter.toLowerCase()}:1`, name: letter, ...settings }, new MemoryStorage(ids));
  }

  override take(input: Input): Step {
    const step = super.take(input);
    this.mail.push(...step.sends.map(({ bytes }) => bytes));
    this.answers.push(...step.replies);
    return step;
  }

  /** Loses what stands under a key, as no sound store does. */
  lose(key: string): void {
    const before = this.storage.get(BUCKET, key);
    for (const entry of before) if (isLive(entry)) this.bucket.fingerprint.remove(entry.digest);
    const nothing = { vectors: [], floors: [], totals: [], damages: [], members: [] };
    this.storage.commit({ ...nothing, puts: [{ bucket: BUCKET, key, before, after: [] }] });
  }

  ask(about: { target?: string; bucket?: typeof BUCKET } = {}): void {
    this.take({ kind: 'verify', request: ASKED, ...about });
  }

  /** The last answer to `ask`. */
  get answer(): Reply['outcome'] | undefined {
    return this.answers.findLast(({ request }) => request === ASKED)?.outcome;
  }

  get comparisons(): readonly Comparison[] {
    const { answer } = this;
    if (answer === undefined || !('kind' in answer) || answer.kind !== 'verified')
      throw new Error('no answer to verify');
    return answer.comparisons;
  }

  get error(): RumeurError | undefined {
    return this.answer as RumeurError | undefined;
  }
}

/** Lets both talk until neither has anything to say. */
function talk(a: Talker, b: Talker): void {
  for (const side of [a, b]) side.pass(0);
  while (a.mail.length + b.mail.length > 0) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const messages = from.mail.splice(0).map((bytes) => ({ link: LINK, bytes }));
      if (messages.length > 0) to.take({ kind: 'received', messages });
      for (const side of [a, b]) side.pass(0);
    }
  }
}

/** Two linked replicas that hold the same. */
function pair(settings: Partial<ReplicaSettings> = {}): { a: Talker; b: Talker } {
  const a = new Talker('A', settings);
  const b = new Talker('B', settings);
  a.open();
  b.open();
  talk(a, b);
  a.write(['Ville', 'Lyon'], ['Pays', 'France']);
  b.write(['Fleuve', 'Rhône']);
  talk(a, b);
  expect(a.bucket.fingerprint.toText()).toBe(b.bucket.fingerprint.toText());
  return { a, b };
}

describe('verify', () => {
  test('of equal peers says that they are', () => {
    const { a, b } = pair();
    a.ask();
    talk(a, b);
    expect(a.comparisons).toMatchObject([{ peer: peerId('B'), bucket: BUCKET, outcome: 'done' }]);
    const [comparison] = a.comparisons;
    expect(comparison?.report).toMatchObject({
      differences: 0,
      unsettled: 0,
      blocks: 0,
      roundTrips: 1,
      lag: { behind: 0, ahead: 0 },
    });
  });

  test('names what only one side holds, from either, and changes nothing', () => {
    const { a, b } = pair();
    b.lose('Ville');
    const before = [a.data, b.data];
    a.ask();
    talk(a, b);
    b.ask();
    talk(a, b);
    const named = ({ comparisons: [one] }: Talker): unknown => one?.report?.examples;
    expect(named(a)).toEqual([{ origin: origin('a'), seq: 1, key: 'Ville', kind: 'absent' }]);
    expect(named(b)).toEqual([{ origin: origin('a'), seq: 1, key: 'Ville', kind: 'missing' }]);
    expect([a.data, b.data]).toEqual(before);
    expect(a.comparisons[0]?.report?.roundTrips).toBeLessThanOrEqual(4);
  });

  test('counts what each side lacks', () => {
    const { a, b } = pair();
    a.write(['Ville', 'Paris']);
    a.mail.length = 0;
    // What was sent over a link counts as covered by the other side, and is compared anew.
    a.replica.core.links.get(LINK)?.vectors.clear();
    a.ask();
    talk(a, b);
    expect(a.comparisons[0]?.report).toMatchObject({ differences: 0, lag: { behind: 0, ahead: 1 } });
    b.ask();
    talk(a, b);
    expect(b.comparisons[0]?.report).toMatchObject({ differences: 0, lag: { behind: 1, ahead: 0 } });
  });

  test('takes a peer by id or url, and one bucket or each', () => {
    const other = 'other' as typeof BUCKET;
    const { a, b } = pair({ buckets: { [BUCKET]: { policy: 'lww' }, [other]: { policy: 'set' } } });
    const asked = (about: Parameters<Talker['ask']>[0]): string[] => {
      a.ask(about);
      talk(a, b);
      return a.comparisons.map(({ bucket, outcome }) => `${bucket} ${outcome}`);
    };
    expect(asked({})).toEqual(['default done', 'other done']);
    expect(asked({ target: peerId('B') })).toEqual(['default done', 'other done']);
    expect(asked({ target: 'http://b:1', bucket: other })).toEqual(['other done']);
  });

  test('is refused for those whom it cannot ask', () => {
    const { a } = pair({ peers: ['http://down:1'] });
    const code = (about: Parameters<Talker['ask']>[0]): string | undefined => {
      a.ask(about);
      return a.error?.code;
    };
    expect(code({ target: 'http://nobody:1' })).toBe('NOT_FOUND');
    expect(code({ target: peerId('Z') })).toBe('NOT_FOUND');
    expect(code({ target: 'http://down:1' })).toBe('PEER_UNREACHABLE');
    expect(code({ bucket: 'nowhere' as typeof BUCKET })).toBe('BUCKET_UNKNOWN');
  });

  test('without a link there is nothing to report', () => {
    const a = new Talker('A');
    a.ask();
    expect(a.comparisons).toEqual([]);
  });

  test('a bucket that the two sides do not share is reported as such', () => {
    const [mine, theirs] = ['mine', 'theirs'] as (typeof BUCKET)[];
    if (!mine || !theirs) throw new Error('no names');
    const a = new Talker('A', { buckets: { [mine]: { policy: 'lww' }, [theirs]: { policy: 'fww' } } });
    const hashes = { vectorHash: new Uint8Array(16), stateHash: new Uint8Array(16) };
    const link = a.open();
    a.say(link, helloOf('B', { buckets: [{ bucket: theirs, policy: 'lww', ...hashes }] }));
    a.ask();
    const found = a.comparisons.map(({ bucket, outcome, report }) => [bucket, outcome, report]);
    expect(found).toEqual([
      [mine, 'absent', undefined],
      [theirs, 'refused', undefined],
    ]);
  });

  test('waits for a repair of the bucket to end', () => {
    const { a, b } = pair();
    b.lose('Ville');
    // The other side's digest shows the divergence: we begin to repair, and our questions are on their way.
    b.take({ kind: 'compare', request: 1 });
    a.take({ kind: 'received', messages: b.mail.splice(0).map((bytes) => ({ link: LINK, bytes })) });
    a.pass(0);
    a.ask();
    a.pass(0);
    expect(a.answer).toBeUndefined();
    talk(a, b);
    expect(a.comparisons).toMatchObject([{ outcome: 'done', report: { differences: 0 } }]);
    expect(a.replica.core.counters.reconciliations).toBe(2);
  });

  test('holds up no repair: it ends, and begins again after that', () => {
    const { a, b } = pair();
    b.lose('Ville');
    a.ask();
    a.pass(0);
    const questions = a.mail.splice(0);
    // The other side's digest shows the divergence.
    b.take({ kind: 'compare', request: 1 });
    a.take({ kind: 'received', messages: b.mail.splice(0).map((bytes) => ({ link: LINK, bytes })) });
    a.mail.push(...questions);
    talk(a, b);
    expect(a.data['Ville']).toBeUndefined();
    expect(a.comparisons).toMatchObject([{ outcome: 'done', report: { differences: 0 } }]);
    expect(a.replica.core.counters.reconciliations).toBe(3);
    expect(a.closes).toEqual([]);
  });

  test('says so when repairs come in between again and again', () => {
    const a = new Talker('A', { pingTimeoutMs: 10 * STALL_MS });
    const link = a.meet('B', { hello: { buckets: [digestOf('')] } });
    a.ask();
    const interrupt = (seq: number): void => {
      a.say(link, { type: 'vectors', reply: false, buckets: [[BUCKET, vector(`b:1-${seq}`)]] });
      a.pass(100);
      a.say(link, { type: 'below', request: a.sent('deltaRequest').at(-1)?.request ?? 0 });
    };
    for (let seq = 1; seq <= 3; seq++) {
      interrupt(seq);
      // Nobody answers: the session that was to repair stalls, and the comparison is begun again.
      a.pass(STALL_MS);
      expect(a.answer).toBeUndefined();
    }
    a.pass(60_000 - a.now);
    interrupt(4);
    a.pass(0);
    expect(a.comparisons).toMatchObject([{ outcome: 'interrupted', report: { mode: 'verify' } }]);
  });

  test('does not hold up a delta', () => {
    const { a, b } = pair();
    a.ask();
    a.pass(0);
    const questions = a.mail.splice(0);
    b.write(['Ville', 'Nice']);
    b.mail.length = 0;
    b.take({ kind: 'compare', request: 1 });
    talk(a, b);
    a.pass(1000);
    talk(a, b);
    expect(a.data['Ville']).toBe('Nice');
    expect(a.answer).toBeUndefined();
    a.mail.push(...questions);
    talk(a, b);
    expect(a.comparisons).toMatchObject([{ outcome: 'done', report: { differences: 0 } }]);
  });

  test('ends with the link, and when no answer comes', () => {
    const first = pair();
    first.a.ask();
    first.a.pass(0);
    first.a.take({ kind: 'linkClosed', link: LINK, reason: 'gone' });
    first.a.pass(0);
    expect(first.a.comparisons).toMatchObject([{ outcome: 'linkDown' }]);
    const second = pair({ pingTimeoutMs: 10 * STALL_MS });
    second.a.ask();
    second.a.pass(STALL_MS);
    expect(second.a.comparisons).toMatchObject([{ outcome: 'stalled', report: { lag: undefined } }]);
  });

  test('answers requests one after the other, and refuses too many of them', () => {
    const { a, b } = pair();
    for (let request = 1; request <= 17; request++) a.take({ kind: 'verify', request });
    expect(a.answers.splice(0).at(-1)).toMatchObject({ request: 17, outcome: { code: 'OVERLOADED' } });
    talk(a, b);
    expect(a.answers.map(({ request }) => request)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  });
});
