import type { LinkId } from '../base/ids.js';
import { sizeOfOp } from '../data/op.js';
import type { Input, LocalWrite, Received } from '../replica/step.js';

/** What is handled in one turn and one transaction at most: beyond, the event loop would stand still for too long. */
const MAX_TURN_BYTES = 512 * 2 ** 10;
const MAX_TURN_WRITES = 2000;
/**
 * What one link may have waiting here, in bytes. Far above what a peer that heeds its credits can have under way: the
 * window for pushes and eight chunks, each of one value of the greatest size.
 */
const MAX_LINK_BYTES = 96 * 2 ** 20;

/** What waits to be handled, in the order in which it came. Inputs of one kind that come in a row become one. */
export class Inbox {
  #inputs: Input[] = [];
  /** Bytes and operations of the last input, if it is one that grows. */
  #turnBytes = 0;
  #turnWrites = 0;
  readonly #linkBytes = new Map<LinkId, number>();

  get length(): number {
    return this.#inputs.length;
  }

  add(input: Input): void {
    this.#inputs.push(input);
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
      this.add({ kind: 'writes', writes: [write] });
    }
  }

  /** @returns whether the link is within its bound; if not, nothing of it is kept, and it must be closed */
  received(message: Received): boolean {
    const { link, bytes } = message;
    const waiting = (this.#linkBytes.get(link) ?? 0) + bytes.length;
    if (waiting > MAX_LINK_BYTES) {
      this.#drop(link);
      return false;
    }
    this.#linkBytes.set(link, waiting);
    const last = this.#inputs[this.#inputs.length - 1];
    if (last?.kind === 'received' && this.#turnBytes < MAX_TURN_BYTES) {
      (last.messages as Received[]).push(message);
      this.#turnBytes += bytes.length;
    } else {
      this.#turnBytes = bytes.length;
      this.add({ kind: 'received', messages: [message] });
    }
    return true;
  }

  take(): Input | undefined {
    const input = this.#inputs.shift();
    if (input?.kind === 'received') for (const message of input.messages) this.#release(message);
    return input;
  }

  #release({ link, bytes }: Received): void {
    const left = (this.#linkBytes.get(link) ?? 0) - bytes.length;
    if (left > 0) this.#linkBytes.set(link, left);
    else this.#linkBytes.delete(link);
  }

  #drop(link: LinkId): void {
    this.#linkBytes.delete(link);
    this.#inputs = this.#inputs.map((input) =>
      input.kind === 'received'
        ? { ...input, messages: input.messages.filter((message) => message.link !== link) }
        : input,
    );
  }

  clear(): void {
    this.#inputs = [];
    this.#linkBytes.clear();
  }
}
