import type { Input } from '../src/replica/step.js';

/** What a process that is stopped or slow has waiting. Messages that came in a row are taken in one turn, as in the product's loop. */
export class WaitingInputs {
  #inputs: Input[] = [];

  get length(): number {
    return this.#inputs.length;
  }

  add(input: Input): void {
    const last = this.#inputs.at(-1);
    if (last?.kind === 'received' && input.kind === 'received') {
      this.#inputs[this.#inputs.length - 1] = {
        kind: 'received',
        messages: [...last.messages, ...input.messages],
      };
    } else if (last?.kind === 'writes' && input.kind === 'writes') {
      this.#inputs[this.#inputs.length - 1] = { kind: 'writes', writes: [...last.writes, ...input.writes] };
    } else if (last?.kind !== 'wake' || input.kind !== 'wake') this.#inputs.push(input);
  }

  /** Everything that waits, which is then gone. */
  takeAll(): Input[] {
    const inputs = this.#inputs;
    this.#inputs = [];
    return inputs;
  }
}
