import type { Link } from '../../protocol/link.js';
import type { Ping, Pong } from '../../protocol/messages.js';
import { ownClockOffset } from '../clock.js';
import { activeLinks, type Core } from '../core.js';
import type { Turn } from '../turn.js';

/** The own clock is complained about once in this time, milliseconds. */
const CLOCK_WARNING_MS = 60_000;

/** Pings: round trips, clocks compared, and links whose other side has fallen silent. */
export class Heartbeat {
  readonly #core: Core;
  #lastPing = 0;
  #clockWarnedAt = -Infinity;

  constructor(core: Core) {
    this.#core = core;
  }

  wake(turn: Turn): void {
    const { pingMs, pingTimeoutMs } = this.#core.options;
    for (const link of this.#core.links.values()) {
      if (!link.hello || link.closing) continue;
      if (turn.now - link.lastHeardAt >= pingTimeoutMs) {
        turn.note('warn', 'link-silent', `${link.hello.name} has fallen silent`, { peer: link.hello.peer });
        turn.close(link, 'silent');
      } else if (turn.now - link.pingSentAt >= pingMs) this.ping(turn, link);
    }
    this.#watchClock(turn);
  }

  /** A ping that is still unanswered is sent again under its id: on a slow link the first answer tells the round trip. */
  ping(turn: Turn, link: Link): void {
    link.pingSentAt = turn.now;
    link.ping ??= { id: ++this.#lastPing, sentAt: turn.now };
    turn.send(link, { type: 'ping', id: link.ping.id, clock: turn.wall });
  }

  pinged(turn: Turn, link: Link, message: Ping): void {
    turn.send(link, { type: 'pong', id: message.id, clock: turn.wall });
  }

  ponged(turn: Turn, link: Link, message: Pong): void {
    if (link.ping?.id !== message.id) return;
    link.rttMs = Math.max(0, turn.now - link.ping.sentAt);
    link.ping = undefined;
    link.clockOffset = message.clock + link.rttMs / 2 - turn.wall;
  }

  #watchClock(turn: Turn): void {
    const { maxClockDriftMs } = this.#core.options;
    const offset = ownClockOffset(activeLinks(this.#core).map((link) => link.clockOffset));
    if (Math.abs(offset) <= maxClockDriftMs / 2 || turn.now - this.#clockWarnedAt < CLOCK_WARNING_MS) return;
    this.#clockWarnedAt = turn.now;
    const refused = Math.abs(offset) > maxClockDriftMs ? '; writes are refused until it is set right' : '';
    const seconds = Math.round(Math.abs(offset) / 1000);
    const way = offset > 0 ? 'behind' : 'ahead of';
    turn.note('warn', 'clock-off', `this machine's clock is ${seconds} s ${way} the other peers'${refused}`);
  }

  nextWakeAt(): number {
    const { pingMs, pingTimeoutMs } = this.#core.options;
    let next = Infinity;
    for (const link of this.#core.links.values()) {
      if (!link.hello || link.closing) continue;
      next = Math.min(next, link.pingSentAt + pingMs, link.lastHeardAt + pingTimeoutMs);
    }
    return next;
  }
}
