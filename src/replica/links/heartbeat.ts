import type { Link, OpenPing } from '../../protocol/link.js';
import type { Ping, Pong } from '../../protocol/messages.js';
import { clockOffset } from '../clock-offset.js';
import type { Core } from '../core.js';
import type { Turn } from '../turn.js';
import { newsBeside } from './unconfirmed.js';

/** The own clock is complained about once in this time, milliseconds. */
const CLOCK_WARNING_MS = 60_000;

/**
 * Pings: round trips, clocks compared, and links whose other side has fallen silent. A ping that goes unanswered for as
 * long as round trips on its link ever take is sent again, and when that is in vain too the silence is told: a suspicion,
 * no more. Only after `pingTimeoutMs` is the link closed. Time that we slept through ourselves does not count.
 */
export class Heartbeat {
  readonly #core: Core;
  readonly #onSilence: (turn: Turn, link: Link) => void;
  #lastPing = 0;
  #clockWarnedAt = -Infinity;

  constructor(core: Core, onSilence: (turn: Turn, link: Link) => void) {
    this.#core = core;
    this.#onSilence = onSilence;
  }

  wake(turn: Turn): void {
    const { pingMs, pingTimeoutMs } = this.#core.options;
    const awake = this.#core.delay.awake(turn.now);
    for (const link of this.#core.links.values()) {
      if (!link.hello || link.closing) continue;
      if (awake - link.heardAt >= pingTimeoutMs) {
        turn.note('warn', 'link-silent', `${link.hello.name} has fallen silent`, { peer: link.hello.peer });
        turn.close(link, 'silent');
        continue;
      }
      if (link.ping && awake >= this.#overdueAt(link, link.ping))
        this.#isOverdue(turn, link, link.ping, awake);
      if (turn.now - link.pingSentAt >= pingMs) this.ping(turn, link);
    }
    this.#watchClock(turn);
  }

  /** When, by the clock of our waking hours, the answer to a ping is late. */
  #overdueAt(link: Link, { awakeAt, repeatedAt }: OpenPing): number {
    return Math.max(link.heardAt, repeatedAt ?? awakeAt) + this.timeoutMs(link);
  }

  /** How long the other side of this link may take to answer, milliseconds. */
  timeoutMs({ roundTrips }: Link): number {
    // So that both tries and the questions to others fit in before the link is given up.
    return roundTrips.timeoutMs(this.#core.options.pingTimeoutMs / 4);
  }

  #isOverdue(turn: Turn, link: Link, ping: OpenPing, awake: number): void {
    if (ping.repeatedAt !== undefined) return this.#onSilence(turn, link);
    ping.repeatedAt = awake;
    this.ping(turn, link);
  }

  /** A ping that is still unanswered is sent again under its id: on a slow link the first answer tells the round trip. */
  ping(turn: Turn, link: Link): void {
    link.pingSentAt = turn.now;
    const awakeAt = this.#core.delay.awake(turn.now);
    const news = newsBeside(this.#core, link);
    // What it is to have is compared when a link begins.
    link.confirmedNews ??= news;
    link.ping ??= { id: ++this.#lastPing, sentAt: turn.now, awakeAt, repeatedAt: undefined, news };
    turn.send(link, { type: 'ping', id: link.ping.id, clock: turn.wall });
  }

  pinged(turn: Turn, link: Link, message: Ping): void {
    turn.send(link, { type: 'pong', id: message.id, clock: turn.wall });
  }

  ponged(turn: Turn, link: Link, message: Pong): void {
    if (link.ping?.id !== message.id) return;
    link.rttMs = Math.max(0, turn.now - link.ping.sentAt);
    link.roundTrips.measured(Math.max(0, this.#core.delay.awake(turn.now) - link.ping.awakeAt));
    link.confirmedNews = link.ping.news;
    link.ping = undefined;
    link.clockLead = message.clock + link.rttMs / 2 - turn.now;
  }

  #watchClock(turn: Turn): void {
    const { maxClockDriftMs } = this.#core.options;
    const offset = clockOffset(this.#core, turn);
    if (Math.abs(offset) <= maxClockDriftMs / 2 || turn.now - this.#clockWarnedAt < CLOCK_WARNING_MS) return;
    this.#clockWarnedAt = turn.now;
    const refused = Math.abs(offset) > maxClockDriftMs ? '; writes are refused until it is set right' : '';
    const seconds = Math.round(Math.abs(offset) / 1000);
    const way = offset > 0 ? 'behind' : 'ahead of';
    turn.note('warn', 'clock-off', `this machine's clock is ${seconds} s ${way} the other peers'${refused}`);
  }

  nextWakeAt(now: number): number {
    const { options, delay } = this.#core;
    const awake = delay.awake(now);
    let next = Infinity;
    for (const link of this.#core.links.values()) {
      if (!link.hello || link.closing) continue;
      next = Math.min(
        next,
        link.pingSentAt + options.pingMs,
        delay.until(link.heardAt + options.pingTimeoutMs),
      );
      if (!link.ping) continue;
      const overdueAt = this.#overdueAt(link, link.ping);
      // Of a silence that was told there is nothing new to tell. What comes after all may leave this ping unanswered:
      // pushes do not have us look at all links again, and so the next silence is told by the next ping at the latest.
      if (link.ping.repeatedAt === undefined || overdueAt > awake)
        next = Math.min(next, delay.until(overdueAt));
    }
    return next;
  }
}
