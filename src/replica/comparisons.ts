import type { LinkId } from '../base/ids.js';
import type { Turn } from './turn.js';

/** A neighbour that has not answered a comparison by then is left out, milliseconds. */
const ANSWER_MS = 5_000;

interface Comparison {
  readonly request: number;
  readonly awaited: Set<LinkId>;
  readonly dueAt: number;
}

/** Comparisons with all neighbours that people have asked for: each ends when everybody has answered or is late. */
export class Comparisons {
  #running: Comparison[] = [];

  begin(turn: Turn, request: number, links: readonly LinkId[]): void {
    this.#running.push({ request, awaited: new Set(links), dueAt: turn.now + ANSWER_MS });
    this.#settle(turn);
  }

  /** The neighbour has answered, or its link is gone. */
  answered(turn: Turn, link: LinkId): void {
    for (const { awaited } of this.#running) awaited.delete(link);
    this.#settle(turn);
  }

  wake(turn: Turn): void {
    this.#settle(turn);
  }

  #settle(turn: Turn): void {
    if (this.#running.length === 0) return;
    const isOver = ({ awaited, dueAt }: Comparison): boolean => awaited.size === 0 || turn.now >= dueAt;
    for (const comparison of this.#running)
      if (isOver(comparison)) turn.reply(comparison.request, { kind: 'done' });
    this.#running = this.#running.filter((comparison) => !isOver(comparison));
  }

  nextWakeAt(): number {
    return this.#running.reduce((next, { dueAt }) => Math.min(next, dueAt), Infinity);
  }
}
