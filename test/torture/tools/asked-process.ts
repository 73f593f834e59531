import { type ChildProcess, fork } from 'node:child_process';

/** A forked process has died, or did not answer: by which signal or exit code, or `hang`. */
export class Died extends Error {
  readonly how: string;

  constructor(how: string) {
    super(`the process ended: ${how}`);
    this.how = how;
  }
}

/**
 * A process that answers each message with one. What it works with may bring it down or hang it: then the question
 * fails, and the next one gets a new process.
 */
export class AskedProcess {
  readonly #file: string;
  readonly #options: readonly string[];
  readonly #patienceMs: number;
  #child: ChildProcess | undefined;
  /** How it ended when nobody had asked. */
  #end: string | undefined;
  /** What the present process has written to its standard error. */
  log = '';

  /** @param options of Node for that process */
  constructor(file: string, patienceMs: number, options: readonly string[] = []) {
    this.#file = file;
    this.#patienceMs = patienceMs;
    this.#options = options;
  }

  /** One at a time. @throws Died */
  ask<T>(question: object): Promise<T> {
    if (this.#end !== undefined) {
      const how = this.#end;
      this.end();
      return Promise.reject(new Died(how));
    }
    const child = (this.#child ??= this.#start());
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        child.off('message', heard).off('exit', exited);
      };
      const heard = (answer: T): void => {
        done();
        resolve(answer);
      };
      const died = (how: string): void => {
        done();
        this.end();
        reject(new Died(how));
      };
      const exited = (code: number | null, signal: string | null): void => died(signal ?? String(code));
      const timer = setTimeout(() => died('hang'), this.#patienceMs);
      child.on('message', heard).on('exit', exited);
      child.send(question);
    });
  }

  #start(): ChildProcess {
    const child = fork(this.#file, [], {
      execArgv: [...this.#options],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    // A question to one that is just dying; its exit tells.
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      if (this.#child === child) this.#end = signal ?? String(code);
    });
    return child;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    this.#end = undefined;
  }
}
