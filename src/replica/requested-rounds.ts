import type { LinkId } from '../base/ids.js';
import type { Turn } from './turn.js';

/** A neighbour that has not answered by then is left out, milliseconds. */
const ANSWER_MS = 5_000;
/** Rounds with all neighbours begin at least so far apart, milliseconds: thousands of clients may ask for them. */
const APART_MS = 20;

/** One round with each neighbour. */
interface CommonRound {
  readonly requests: readonly number[];
  /** By link, the round that was not answered yet. */
  readonly awaited: Map<LinkId, number>;
  readonly dueAt: number;
}

/** Sends every neighbour a digest. @returns its round, by link */
export type BeginRound = (turn: Turn) => Map<LinkId, number>;

/**
 * Rounds with all neighbours that people have asked for: each ends when everybody has answered or is late. Requests that
 * come close together share one; none joins a round that is under way, which may not show what was written since.
 */
export class RequestedRounds {
  readonly #begin: BeginRound;
  #waiting: number[] = [];
  #running: CommonRound[] = [];
  #begunAt = -Infinity;

  constructor(begin: BeginRound) {
    this.#begin = begin;
  }

  request(turn: Turn, request: number): void {
    this.#waiting.push(request);
    this.wake(turn);
  }

  /** The neighbour has answered this round, and with it earlier ones. */
  answered(turn: Turn, link: LinkId, round: number): void {
    for (const { awaited } of this.#running) {
      if ((awaited.get(link) ?? Infinity) <= round) awaited.delete(link);
    }
    this.#settle(turn);
  }

  /** Nothing is to be expected of the link any more. */
  linkDown(turn: Turn, link: LinkId): void {
    for (const { awaited } of this.#running) awaited.delete(link);
    this.#settle(turn);
  }

  wake(turn: Turn): void {
    if (turn.now >= this.#nextBeginAt) {
      this.#begunAt = turn.now;
      const requests = this.#waiting.splice(0);
      this.#running.push({ requests, awaited: this.#begin(turn), dueAt: turn.now + ANSWER_MS });
    }
    this.#settle(turn);
  }

  get #nextBeginAt(): number {
    return this.#waiting.length > 0 ? this.#begunAt + APART_MS : Infinity;
  }

  #settle(turn: Turn): void {
    if (this.#running.length === 0) return;
    const isOver = ({ awaited, dueAt }: CommonRound): boolean => awaited.size === 0 || turn.now >= dueAt;
    for (const round of this.#running) {
      const silent = round.awaited.size;
      const outcome = { kind: 'done', ...(silent > 0 ? { silent } : {}) } as const;
      if (isOver(round)) for (const request of round.requests) turn.reply(request, outcome);
    }
    this.#running = this.#running.filter((round) => !isOver(round));
  }

  nextWakeAt(): number {
    return this.#running.reduce((next, { dueAt }) => Math.min(next, dueAt), this.#nextBeginAt);
  }
}
