import { describe, expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import type { Chunk } from '../../../src/protocol/messages.js';
import { openLink } from '../../../src/protocol/link.js';
import { Setbacks } from '../../../src/replica/setbacks.js';
import { BUCKET, chunk, EPOCH, helloOf, op, Subject, vector } from './builders.js';

const vectors = (text: string) =>
  ({ type: 'vectors', reply: false, buckets: [[BUCKET, vector(text)]] }) as const;
/** What a line of 64 kbit/s brings in ten seconds. */
const LARGE = 'v'.repeat(60_000);

/** A replica that asks A, who says that it has most, for a delta; G has something else that it lacks. */
class Scene extends Subject {
  readonly a = this.meet('A');
  readonly g = this.meet('G');
  #n = 0;
  /** Of the delta that A was asked for. */
  lastRequest = 0;

  begin(): this {
    this.say(this.a, vectors('z:1-900000'));
    this.say(this.g, vectors('b:1-1'));
    this.pass(200);
    this.lastRequest = this.requestOf(this.a);
    return this;
  }

  /** The number of the one delta that a link was asked for since the last look. */
  requestOf(link: LinkId): number {
    const requests = this.sent('deltaRequest', link);
    expect(requests).toHaveLength(1);
    return requests[0]?.request ?? 0;
  }

  /** A sends a chunk each ten seconds; the links live. */
  hear(seconds: number, change: (n: number) => Partial<Chunk>): void {
    for (let s = 0; s < seconds; s += 10) {
      const n = this.#n++;
      this.say(this.a, chunk({ request: this.lastRequest, n, ...change(n + 1) }));
      this.live(10);
    }
  }

  live(seconds: number): void {
    for (let s = 0; s < seconds; s += 5) {
      for (const link of [this.a, this.g]) this.say(link, { type: 'pong', id: 0, clock: EPOCH });
      this.pass(5_000);
    }
  }
}

const mereClaims = (n: number): Partial<Chunk> => ({ claims: vector(`z:${n}-${n}`) });
const entries = (n: number): Partial<Chunk> => ({ entries: [op('z', n, n, `k${n}`, LARGE)] });

describe('a delta', () => {
  test('of mere claims gives way to another neighbour that has something', () => {
    const scene = new Scene().begin();
    scene.hear(30, mereClaims);
    scene.requestOf(scene.g);
    expect(scene.sent('cancel', scene.a)).toMatchObject([{ reason: 'others wait' }]);
    expect(scene.notes).toContain('slow-peer');
  });

  test('of mere claims that nobody waits for goes on until somebody does', () => {
    const scene = new Scene().begin();
    scene.say(scene.g, vectors(''));
    scene.hear(60, mereClaims);
    expect(scene.sent('deltaRequest')).toEqual([]);
    scene.say(scene.g, vectors('b:1-1'));
    scene.pass(5_000);
    scene.requestOf(scene.g);
  });

  test('over a line of 64 kbit/s has its turn, then others have theirs, and it goes on', () => {
    const scene = new Scene().begin();
    scene.hear(110, entries);
    expect(scene.sent('deltaRequest')).toEqual([]);
    scene.hear(20, entries);
    const request = scene.requestOf(scene.g);
    scene.say(
      scene.g,
      chunk({ request, entries: [op('b', 1, 1, 'b')], claims: vector('b:1-1'), last: true }),
    );
    scene.pass(100);
    const [next] = scene.sent('deltaRequest', scene.a);
    expect(next?.vector.covers(op('z', 11, 0, ''))).toBe(true);
  });
});

test('a session that hardly goes on gives way too', () => {
  const scene = new Scene();
  scene.learn(scene.g, op('x', 1, 1, 'k'));
  scene.begin();
  scene.say(scene.a, { type: 'below', request: scene.lastRequest });
  for (let i = 0; i < 3; i++) {
    scene.pass(0);
    for (const { request, n, blocks } of scene.sent('compare', scene.a)) {
      const start = n === 0 ? { vector: vector('z:1-900000'), floor: vector('') } : null;
      scene.say(scene.a, { type: 'differ', request, n, blocks: [...blocks.keys()], start });
    }
    scene.live(10);
  }
  scene.requestOf(scene.g);
  expect(scene.notes).toContain('slow-peer');
});

describe('another neighbour is asked first', () => {
  test('when one has not delivered what it says again that it has', () => {
    const scene = new Scene().begin();
    scene.say(scene.a, chunk({ request: scene.lastRequest, last: true }), vectors('z:1-900000'));
    scene.pass(0);
    scene.requestOf(scene.g);
  });

  test('when one cannot serve us again although we have reconciled with it', () => {
    const scene = new Scene().begin();
    const shed = (request: number): void => {
      scene.say(scene.a, { type: 'below', request });
      scene.pass(0);
      const [asked] = scene.sent('compare', scene.a);
      const start = { vector: vector('z:1-900000'), floor: vector('') };
      scene.say(scene.a, { type: 'differ', request: asked?.request ?? 0, n: 0, blocks: [], start });
      scene.pass(0);
    };
    shed(scene.lastRequest);
    shed(scene.requestOf(scene.a));
    scene.requestOf(scene.g);
  });

  test('for longer each time, up to a bound, and not for ever', () => {
    const setbacks = new Setbacks();
    const link = openLink(1 as LinkId, 'in', 'remote', undefined, 0);
    link.hello = helloOf('A');
    const minutes: number[] = [];
    for (let i = 0; i < 7; i++) {
      setbacks.add(link, 0);
      let minute = 0;
      while (setbacks.rank(link, minute * 60_000) > 0) minute++;
      minutes.push(minute);
    }
    expect(minutes).toEqual([1, 2, 4, 8, 16, 16, 16]);
    expect(setbacks.rank(link, 0)).toBe(7);
    setbacks.add(link, 5_000_000);
    expect(setbacks.rank(link, 5_000_000)).toBe(1);
  });

  test('of very many peers the latest are remembered', () => {
    const setbacks = new Setbacks();
    const link = openLink(1 as LinkId, 'in', 'remote', undefined, 0);
    const meet = (i: number): void => {
      link.hello = { ...helloOf('A'), peer: `peer ${i}` as ReturnType<typeof helloOf>['peer'] };
    };
    for (let i = 0; i < 1025; i++) {
      meet(i);
      setbacks.add(link, 0);
    }
    expect(setbacks.rank(link, 0)).toBe(1);
    meet(0);
    expect(setbacks.rank(link, 0)).toBe(0);
  });
});
