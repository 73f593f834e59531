import { type ChildProcess, fork } from 'node:child_process';
import { compiled } from '../tools/places.js';
import type { PackOrder } from './pack-protocol.js';

/** An order that is not answered after so long has met a process that hangs, milliseconds. */
const PATIENCE_MS = 30_000;

/** What a pack that dies says, by the signal or the exit code, or `hang`. */
export class Died extends Error {
  readonly how: string;

  constructor(how: string) {
    super(`the peers' process ended: ${how}`);
    this.how = how;
  }
}

/** Peers in a process of their own, a new one whenever a store has brought it down. */
export class Pack {
  #child: ChildProcess | undefined;
  /** What the present process has logged. */
  log = '';

  /** @throws Died; Error of what the order met */
  ask<T>(order: PackOrder): Promise<T> {
    const child = (this.#child ??= this.#start());
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        child.off('message', heard).off('exit', exited);
      };
      const heard = (message: { answer: T } | { error: string }): void => {
        done();
        if ('error' in message) reject(new Error(message.error));
        else resolve(message.answer);
      };
      const exited = (code: number | null, signal: string | null): void => died(signal ?? String(code));
      const died = (how: string): void => {
        done();
        this.end();
        reject(new Died(how));
      };
      const timer = setTimeout(() => died('hang'), PATIENCE_MS);
      child.on('message', heard).on('exit', exited);
      child.send(order);
    });
  }

  #start(): ChildProcess {
    const child = fork(compiled('damage/pack-main.js'), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    return child;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}
