import { describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import type { LinkId, PeerId } from '../../../../src/base/ids.js';
import type { Message } from '../../../../src/protocol/messages.js';
import { Subject } from '../builders.js';

/** A sound peer between strangers, who do what they like, and a sound neighbour, who judges what it gets to hear. */
class Between {
  readonly subject = new Subject({ links: 16 });
  readonly #neighbour = new Subject();
  readonly #toNeighbour = this.subject.meet('N');
  readonly #toSubject = this.#neighbour.meet('O');

  /** A stranger comes, says this, and is gone without a word. */
  visit(...said: Message[]): void {
    const link: LinkId = this.subject.meet('S', { hello: { peer: nanoid<PeerId>() } });
    for (const message of said) this.subject.say(link, message);
    this.subject.take({ kind: 'linkClosed', link, reason: 'lost' });
  }

  /** Time passes, and the neighbour hears and answers what it is sent. */
  pass(millis: number): void {
    this.subject.pass(millis);
    this.#neighbour.pass(millis);
    for (const type of ['probe', 'shuffle', 'ping'] as const) {
      for (const message of this.subject.sent(type, this.#toNeighbour))
        this.#neighbour.say(this.#toSubject, message);
    }
    for (const type of ['probed', 'shuffled', 'pong'] as const) {
      for (const message of this.#neighbour.sent(type, this.#toSubject))
        this.subject.say(this.#toNeighbour, message);
    }
  }

  /** Links between the two that either has ended. */
  get cut(): readonly LinkId[] {
    return [...this.#neighbour.closes, ...this.subject.closes.filter((link) => link === this.#toNeighbour)];
  }
}

describe('what strangers give us cause to ask a neighbour it does not hold against us', () => {
  test('after many who came and went without a word', () => {
    const between = new Between();
    for (let i = 0; i < 400; i++) {
      between.visit();
      between.pass(10);
    }
    between.pass(5_000);
    expect(between.cut).toEqual([]);
  });

  test('after shuffles without end, over ever new links', () => {
    const between = new Between();
    for (let i = 0; i < 20; i++) {
      const shuffles = Array.from({ length: 30 }, (_, id): Message => {
        return { type: 'shuffle', id, hops: 3, crowd: 0, addresses: [] };
      });
      between.visit(...shuffles);
      between.pass(50);
    }
    between.pass(1_000);
    expect(between.cut).toEqual([]);
  });
});
