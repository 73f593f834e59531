import type { LinkId } from '../../base/ids.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import type { Core } from '../core.js';
import type { Turn } from '../turn.js';
import { Announcements } from './announcements.js';
import { Gossip } from './gossip.js';
import { GraftAnswers } from './graft-answers.js';
import { type GraftObserver, Grafts } from './grafts.js';

/** All that carries news from peer to peer: what is pushed, what is announced, what is asked for, and what is answered. */
export class Broadcasting {
  readonly gossip: Gossip;
  readonly grafts: Grafts;
  readonly answers: GraftAnswers;
  readonly #announcements: Announcements;

  constructor(core: Core, broadcast: Broadcast, observer: GraftObserver) {
    this.#announcements = new Announcements(core);
    this.grafts = new Grafts(core, broadcast, observer);
    this.answers = new GraftAnswers(core, broadcast, observer.suspect);
    this.gossip = new Gossip(core, broadcast, this.#announcements, this.grafts, observer.suspect);
  }

  linkDown(link: LinkId): void {
    this.#announcements.linkDown(link);
    this.grafts.linkDown(link);
    this.answers.linkDown(link);
  }

  wake(turn: Turn): void {
    this.#announcements.wake(turn);
    this.grafts.wake(turn);
  }

  nextWakeAt(now: number): number {
    return Math.min(this.answers.nextWakeAt(now), this.#announcements.nextWakeAt(), this.grafts.nextWakeAt());
  }
}
