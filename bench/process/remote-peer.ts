import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Argument, Call, Message, Method } from './messages.js';

const CHILD = fileURLToPath(new URL('child.js', import.meta.url));

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The runner's end of a peer that runs in a process of its own. */
export class RemotePeer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<unknown>;
  #last = 0;
  #onArrival: (latencyMs: number) => void = () => undefined;

  /** @param profileDir where to write a CPU profile when the process ends */
  constructor(profileDir?: string) {
    const profile = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir];
    this.#child = fork(CHILD, [], { execArgv: ['--expose-gc', ...profile], serialization: 'advanced' });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', (message) => this.#receive(message as Message));
    this.#child.on('exit', (code, signal) => {
      const error = new Error(`the peer's process ended with ${signal ?? String(code)}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  call<M extends Method>(
    method: M,
    ...[argument]: Argument<M> extends undefined ? [] : [Argument<M>]
  ): Promise<Answer<M>> {
    const call: Call = { id: ++this.#last, method, argument };
    return new Promise((resolve, reject) => {
      this.#waiting.set(call.id, { resolve: (answer) => resolve(answer as Answer<M>), reject });
      this.#child.send(call, (error) => error && reject(error));
    });
  }

  /** How long the next watched value had been under way, milliseconds. Ask before it is written. */
  nextArrival(): Promise<number> {
    return new Promise((resolve) => (this.#onArrival = resolve));
  }

  #receive(message: Message): void {
    if ('latencyMs' in message) {
      this.#onArrival(message.latencyMs);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.answer);
  }

  /** Closes the peer in order and waits for the end of its process. */
  async close(): Promise<void> {
    await this.call('close');
    await this.#exited;
  }

  /** For clearing up: whatever state it is in. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
