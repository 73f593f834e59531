import type { LinkId } from '../../../../src/base/ids.js';
import { EPOCH, peerId, Subject } from '../builders.js';

export const X = peerId('X');

/** A replica with a neighbour X, which answers as the test says, and others that answer every ping at once. */
export class Neighbourhood {
  readonly subject = new Subject({ links: 16 });
  readonly x: LinkId;
  readonly others: readonly LinkId[];

  constructor(...letters: string[]) {
    this.x = this.meetX();
    this.others = letters.map((letter) => this.subject.meet(letter));
    this.answer(this.others);
  }

  protected meetX(): LinkId {
    return this.subject.meet('X', { hello: { url: 'http://x:1' } });
  }

  /** The pings that came over these links are answered now. */
  answer(links: readonly LinkId[]): void {
    for (const link of links) {
      for (const ping of this.subject.sent('ping', link)) {
        this.subject.say(link, { type: 'pong', id: ping.id, clock: EPOCH + this.subject.now });
      }
    }
  }

  /** Time passes; dials fail, and the others tell of X what `heard` says. */
  pass(millis: number, heard?: (link: LinkId) => number | null): void {
    const { subject } = this;
    const until = subject.now + millis;
    while (subject.now < until) {
      subject.pass(Math.min(100, until - subject.now));
      this.answer(this.others);
      for (const link of heard ? this.others : []) {
        for (const { id, peer } of subject.sent('probe', link)) {
          subject.say(link, { type: 'probed', id, peer, heardMsAgo: heard?.(link) ?? null });
        }
      }
      for (const url of subject.dials.splice(0)) subject.take({ kind: 'dialFailed', url, reason: 'refused' });
    }
  }

  /** The link to X ends. */
  lose(): void {
    this.subject.take({ kind: 'linkClosed', link: this.x, reason: 'broken' });
  }

  get isSuspect(): boolean {
    return this.subject.replica.liveness.isSuspect(X);
  }

  get isDown(): boolean {
    return this.subject.replica.liveness.isDown(X);
  }
}
