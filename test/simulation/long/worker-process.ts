import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Began, Job, Report } from './worker.js';

/** A seed that takes longer hangs, milliseconds; the time for reducing its plan comes on top. */
const LONGEST_SEED_MS = 120_000;

/** The process is gone; it was at this seed. */
export interface Died {
  readonly died: number;
  readonly why: string;
}

/** A process that runs jobs. A seed may hang it or bring it down: then that seed is the answer. */
export class WorkerProcess {
  readonly #process = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [], { execArgv: [] });

  /** @throws Error when the process ends before it has begun with any seed */
  ask(job: Job): Promise<Report | Died> {
    return new Promise((answer, fail) => {
      let seed: number | undefined;
      let timer: NodeJS.Timeout | undefined;
      const end = (result: Report | Died): void => {
        clearTimeout(timer);
        this.#process.off('message', heard).off('exit', exited);
        answer(result);
      };
      const exited = (code: number | null, signal: string | null): void => {
        const why = `its process ended with ${signal ?? `code ${String(code)}`}`;
        if (seed === undefined) fail(new Error(`nothing was run: ${why}`));
        else end({ died: seed, why });
      };
      const watch = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          this.#process.kill('SIGKILL');
          end({ died: seed ?? job.from, why: `it was not done after ${LONGEST_SEED_MS} ms` });
        }, LONGEST_SEED_MS + job.reduceMs);
      };
      const heard = (message: Began | Report): void => {
        if (!('began' in message)) return end(message);
        seed = message.began;
        watch();
      };
      watch();
      this.#process.on('message', heard).on('exit', exited);
      this.#process.send(job);
    });
  }

  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}
