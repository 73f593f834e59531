import { Allowance } from '../../base/allowance.js';
import { equalBytes } from '../../base/bytes.js';
import type { LinkId, PeerId } from '../../base/ids.js';
import { encodeMessage } from '../../protocol/codec.js';
import { PUSH_WINDOW_BYTES } from '../../protocol/limits.js';
import type { Link } from '../../protocol/link.js';
import type { Answer, Compare, Differ, Listing } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { bucketOn, type Core } from '../core.js';
import type { Turn } from '../turn.js';
import type { RangeLevel } from '../view.js';
import { JUDGED_BYTES } from './bounds.js';
import { judge } from './judge.js';
import { shortHash, SUM_OF_NOTHING } from './rivals.js';

/** Bytes read or sent that cost as much as looking up one block or entry. */
const BYTES_A_UNIT = 1024;
/** What one peer may have us do: a unit for each block or entry looked up, and for each kilobyte read and sent. */
const WORK = { most: 20_000, perMs: 50 };
/** Units of one turn, for all peers together: when they are used up, what else waits is for the next one. */
const UNITS_A_TURN = JUDGED_BYTES / BYTES_A_UNIT;

type Question = Compare | Listing;

/**
 * Answers the questions of range reconciliation, each from the store as it is: no state but the question that waits.
 * Nothing is dropped or taken here; a side that lacks something asks for itself.
 */
export class Answerer {
  readonly #core: Core;
  /**
   * By link, the one that waits longest first: the last question about each bucket. A new one takes the place of the
   * former, which bounds what a peer may keep here.
   */
  readonly #questions = new Map<LinkId, Map<Bucket, Question>>();
  /** By peer and not by link, as one may dial again: kept until nothing of it is used up. */
  readonly #allowances = new Map<PeerId, Allowance>();

  constructor(core: Core) {
    this.#core = core;
  }

  ask(turn: Turn, link: Link, question: Question): void {
    const bucket = bucketOn(this.#core, link, question.bucket);
    if (!bucket) return refuse(turn, link, question, 'this bucket is not replicated here');
    const questions = this.#questions.get(link.id);
    if (questions) questions.set(bucket, question);
    else this.#questions.set(link.id, new Map([[bucket, question]]));
  }

  linkDown(link: LinkId): void {
    this.#questions.delete(link);
  }

  /**
   * Answers questions, one of each link, until a turn's work is done. The store must show all that the turn knows.
   */
  wake(turn: Turn): void {
    let room = UNITS_A_TURN;
    for (const [id, questions] of [...this.#questions]) {
      const link = this.#core.links.get(id);
      const next = questions.entries().next().value;
      if (!next || !link?.hello || this.#readyAt(link, turn.now) > turn.now) continue;
      // A damaged row that the last answer came across was taken out of the store in this turn.
      if (turn.wrote || room <= 0) return;
      const [bucket, question] = next;
      questions.delete(bucket);
      this.#questions.delete(id);
      if (questions.size > 0) this.#questions.set(id, questions);
      const cost = this.#answer(turn, link, bucket, question);
      room -= cost;
      this.#spend(link.hello.peer, turn.now, cost);
    }
  }

  /** The first moment at which a question of the link may be answered; infinite while its answers are not read. */
  #readyAt(link: Link, now: number): number {
    if (!link.hello || !hasRoom(link)) return Infinity;
    return this.#allowances.get(link.hello.peer)?.readyAt(now) ?? now;
  }

  #spend(peer: PeerId, now: number, units: number): void {
    for (const [other, allowance] of this.#allowances)
      if (allowance.isFull(now)) this.#allowances.delete(other);
    const allowance = this.#allowances.get(peer) ?? new Allowance(now, WORK);
    allowance.spend(now, units);
    this.#allowances.set(peer, allowance);
  }

  /** @returns what it cost */
  #answer(turn: Turn, link: Link, bucket: Bucket, question: Question): number {
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
    const { drop, entries, answered, bytes } = judge(this.#core.view, turn, bucket, items);
    return [{ type: 'answer', request, n, drop, entries, answered }, 1 + answered + bytes / BYTES_A_UNIT];
  }

  nextWakeAt(now: number): number {
    let next = Infinity;
    for (const id of this.#questions.keys()) {
      const link = this.#core.links.get(id);
      if (link) next = Math.min(next, this.#readyAt(link, now));
    }
    return next;
  }
}

/** Who holds nothing only asks for our floor, which no damage touches: else two damaged peers could wait for each other. */
const isAboutNothing = (question: Question): boolean =>
  question.type === 'compare' && question.blocks.length === 0;

const refuse = (turn: Turn, link: Link, { request }: Question, reason: string): void =>
  turn.send(link, { type: 'cancel', request, reason });

/** An asker that does not read its answers gets no more of them. */
const hasRoom = ({ flow, closing }: Link): boolean =>
  !closing && flow.sent - flow.acknowledged < PUSH_WINDOW_BYTES;
