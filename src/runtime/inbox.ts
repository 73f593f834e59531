import type { LinkId } from '../base/ids.js';
import { sizeOfOp } from '../data/op.js';
import type { Input, LocalWrite, Received } from '../replica/step.js';

/** What is handled in one turn and one transaction at most: beyond, the event loop would stand still for too long. */
const MAX_TURN_BYTES = 512 * 2 ** 10;
const MAX_TURN_WRITES = 2000;
/** What a message counts for beside its bytes: it takes memory and time of its own, however short it is. */
const MESSAGE_BYTES = 256;
/** What one link may have in the queue that all share; the rest waits for its turn beside it. */
const SHARE_BYTES = MAX_TURN_BYTES;
/**
 * What one link may have waiting here, in bytes. Far above what a peer that heeds its credits can have under way: the
 * window for pushes and eight chunks, each of one value of the greatest size.
 */
const MAX_LINK_BYTES = 96 * 2 ** 20;

/** What of a link waits here. */
interface Waiting {
  /** In the queue and behind it, in bytes. */
  bytes: number;
  /** In the queue. */
  queued: number;
  /** Behind the queue, oldest first; a message of it, or that the link is closed. */
  behind: (Received | Input)[];
  /** How many of those have moved on. */
  moved: number;
}

/**
 * What waits to be handled, in the order in which it came. Inputs of one kind that come in a row become one. A link that
 * brings more than the rest has to wait for itself: each has a share of the queue, and what is beyond comes into it when
 * that was handled. So nobody waits long for what somebody else sends without end.
 */
export class Inbox {
  #inputs: Input[] = [];
  /** Bytes and operations of the last input, if it is one that grows. */
  #turnBytes = 0;
  #turnWrites = 0;
  readonly #waiting = new Map<LinkId, Waiting>();
  /** Links with something behind the queue. */
  readonly #crowded = new Set<LinkId>();

  get length(): number {
    return this.#inputs.length + this.#crowded.size;
  }

  add(input: Input): void {
    // What the link has brought comes first.
    const behind = input.kind === 'linkClosed' && this.#crowded.has(input.link);
    if (behind) this.#waiting.get(input.link)?.behind.push(input);
    else this.#inputs.push(input);
  }

  write(write: LocalWrite): void {
    const bytes = write.ops.reduce((sum, op) => sum + sizeOfOp(op), 0);
    const last = this.#inputs[this.#inputs.length - 1];
    const hasRoom = this.#turnBytes < MAX_TURN_BYTES && this.#turnWrites < MAX_TURN_WRITES;
    if (last?.kind === 'writes' && hasRoom) {
      (last.writes as LocalWrite[]).push(write);
      this.#turnBytes += bytes;
      this.#turnWrites += write.ops.length;
    } else {
      this.#turnBytes = bytes;
      this.#turnWrites = write.ops.length;
      this.#inputs.push({ kind: 'writes', writes: [write] });
    }
  }

  /** @returns whether the link is within its bound; if not, nothing of it is kept, and it must be closed */
  received(message: Received): boolean {
    const { link } = message;
    let waiting = this.#waiting.get(link);
    if (!waiting) this.#waiting.set(link, (waiting = { bytes: 0, queued: 0, behind: [], moved: 0 }));
    waiting.bytes += costOf(message);
    if (waiting.bytes > MAX_LINK_BYTES) {
      this.#drop(link);
      return false;
    }
    if (waiting.queued < SHARE_BYTES && !this.#crowded.has(link)) this.#queue(message, waiting);
    else {
      waiting.behind.push(message);
      this.#crowded.add(link);
    }
    return true;
  }

  #queue(message: Received, waiting: Waiting): void {
    const bytes = costOf(message);
    waiting.queued += bytes;
    const last = this.#inputs[this.#inputs.length - 1];
    if (last?.kind === 'received' && this.#turnBytes < MAX_TURN_BYTES) {
      (last.messages as Received[]).push(message);
      this.#turnBytes += bytes;
    } else {
      this.#turnBytes = bytes;
      this.#inputs.push({ kind: 'received', messages: [message] });
    }
  }

  take(): Input | undefined {
    const input = this.#inputs.shift();
    if (input?.kind === 'received') for (const message of input.messages) this.#release(message);
    for (const link of this.#crowded) this.#refill(link);
    return input ?? this.#inputs.shift();
  }

  #release(message: Received): void {
    const waiting = this.#waiting.get(message.link);
    if (!waiting) return;
    const bytes = costOf(message);
    waiting.bytes -= bytes;
    waiting.queued -= bytes;
    if (waiting.bytes <= 0 && !this.#crowded.has(message.link)) this.#waiting.delete(message.link);
  }

  /** A link of which nothing is in the queue any more gets its next share. */
  #refill(link: LinkId): void {
    const waiting = this.#waiting.get(link);
    if (!waiting || waiting.queued > 0) return;
    const { behind } = waiting;
    while (waiting.moved < behind.length && waiting.queued < SHARE_BYTES) {
      const next = behind[waiting.moved++] as Received | Input;
      if ('kind' in next) this.#inputs.push(next);
      else this.#queue(next, waiting);
    }
    // To take single ones out of the head of a long list would cost more than to handle them.
    if (2 * waiting.moved <= behind.length) return;
    behind.splice(0, waiting.moved);
    waiting.moved = 0;
    if (behind.length > 0) return;
    this.#crowded.delete(link);
    if (waiting.bytes <= 0) this.#waiting.delete(link);
  }

  #drop(link: LinkId): void {
    this.#waiting.delete(link);
    this.#crowded.delete(link);
    this.#inputs = this.#inputs.map((input) =>
      input.kind === 'received'
        ? { ...input, messages: input.messages.filter((message) => message.link !== link) }
        : input,
    );
  }

  clear(): void {
    this.#inputs = [];
    this.#waiting.clear();
    this.#crowded.clear();
  }
}

const costOf = ({ bytes }: Received): number => bytes.length + MESSAGE_BYTES;
