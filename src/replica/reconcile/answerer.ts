import { equalBytes } from '../../base/bytes.js';
import type { LinkId } from '../../base/ids.js';
import { encodeMessage } from '../../protocol/codec.js';
import { PUSH_WINDOW_BYTES } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Answer, Compare, Differ, Listing } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { bucketOn, type Core } from '../core.js';
import type { Turn } from '../turn.js';
import type { RangeLevel } from '../view.js';
import { Allowance } from './allowance.js';
import { judge } from './judge.js';
import { shortHash, SUM_OF_NOTHING } from './rivals.js';

/** Bytes read or sent that cost as much as looking up one block or entry. */
const BYTES_A_UNIT = 1024;

/** What one link has asked and may ask. */
interface Asker {
  /** The last question about each bucket: a new one takes the place of the former, which bounds what a peer may keep here. */
  readonly questions: Map<Bucket, Compare | Listing>;
  readonly allowance: Allowance;
}

/**
 * Answers the questions of range reconciliation, each from the store as it is: no state but the question that waits.
 * Nothing is dropped or taken here; a side that lacks something asks for itself.
 */
export class Answerer {
  readonly #core: Core;
  readonly #askers = new Map<LinkId, Asker>();

  constructor(core: Core) {
    this.#core = core;
  }

  ask(turn: Turn, link: Link, question: Compare | Listing): void {
    const bucket = bucketOn(this.#core, link, question.bucket);
    if (!bucket) return refuse(turn, link, question, 'this bucket is not replicated here');
    let asker = this.#askers.get(link.id);
    if (!asker) {
      asker = { questions: new Map(), allowance: new Allowance(turn.now) };
      this.#askers.set(link.id, asker);
    }
    asker.questions.set(bucket, question);
  }

  linkDown(link: LinkId): void {
    this.#askers.delete(link);
  }

  /** Answers one question of each link that may have an answer now. The store must show all that the turn knows. */
  wake(turn: Turn): void {
    for (const [id, asker] of this.#askers) {
      const link = this.#core.links.get(id);
      const next = asker.questions.entries().next().value;
      if (!next || !link || !hasRoom(link) || asker.allowance.readyAt(turn.now) > turn.now) continue;
      // A damaged row that the last answer came across was taken out of the store in this turn.
      if (turn.wrote) return;
      const [bucket, question] = next;
      asker.questions.delete(bucket);
      asker.allowance.spend(turn.now, this.#answer(turn, link, bucket, question));
    }
  }

  /** @returns what it cost */
  #answer(turn: Turn, link: Link, bucket: Bucket, question: Compare | Listing): number {
    const damaged = 'a damaged row is being repaired';
    if (bucket.damages.size > 0 && !isAboutNothing(question)) {
      refuse(turn, link, question, damaged);
      return 1;
    }
    const [reply, cost] =
      question.type === 'compare' ? this.#differ(bucket, question) : this.#judge(turn, bucket, question);
    if (bucket.damages.size > 0 && !isAboutNothing(question)) {
      refuse(turn, link, question, damaged);
      return cost;
    }
    const bytes = encodeMessage(reply);
    turn.sendBytes(link, bytes);
    return cost + bytes.length / BYTES_A_UNIT;
  }

  #differ(bucket: Bucket, { request, n, blocks }: Compare): [Differ, number] {
    const places = [...blocks.keys()].filter((place) => {
      const block = blocks[place] as Compare['blocks'][number];
      return !equalBytes(this.#sumOf(bucket, block), block.sum);
    });
    const start = n === 0 ? { vector: bucket.vector, floor: bucket.floor } : null;
    return [{ type: 'differ', request, n, blocks: places, start }, 1 + blocks.length];
  }

  #sumOf(bucket: Bucket, { origin, level, index }: Compare['blocks'][number]): Uint8Array {
    const rows = this.#core.view.ranges(bucket.name, origin, level as RangeLevel, index, index);
    for (const { sum } of rows) return shortHash(sum);
    return SUM_OF_NOTHING;
  }

  #judge(turn: Turn, bucket: Bucket, { request, n, items }: Listing): [Answer, number] {
    const { drop, entries, weight } = judge(this.#core.view, turn, bucket, items);
    return [{ type: 'answer', request, n, drop, entries }, 1 + items.length + weight / BYTES_A_UNIT];
  }

  nextWakeAt(now: number): number {
    let next = Infinity;
    for (const [id, { questions, allowance }] of this.#askers) {
      const link = this.#core.links.get(id);
      if (questions.size > 0 && link && hasRoom(link)) next = Math.min(next, allowance.readyAt(now));
    }
    return next;
  }
}

/** Who holds nothing only asks for our floor, which no damage touches: else two damaged peers could wait for each other. */
const isAboutNothing = (question: Compare | Listing): boolean =>
  question.type === 'compare' && question.blocks.length === 0;

const refuse = (turn: Turn, link: Link, { request }: Compare | Listing, reason: string): void =>
  turn.send(link, { type: 'cancel', request, reason });

/** An asker that does not read its answers gets no more of them. */
const hasRoom = ({ flow, closing }: Link): boolean =>
  !closing && flow.sent - flow.acknowledged < PUSH_WINDOW_BYTES;
