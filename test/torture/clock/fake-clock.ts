import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

/**
 * The wall clock of a process, by Debian's faketime: set by the content of a file, which is read each time the clock is.
 * Timers go on as they should.
 */
export class FakeClock {
  readonly #file: string;
  readonly #pids = new Set<number>();

  constructor(file: string) {
    this.#file = file;
    this.set('+0');
  }

  /** What the process needs around it; faketime itself would stand between us and that. */
  get environment(): NodeJS.ProcessEnv {
    const { stdout } = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
    return {
      LD_PRELOAD: stdout.trim(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** In faketime's words: `+3600` runs an hour ahead, a date and time stands still. */
  set(words: string): void {
    writeFileSync(this.#file, `${words}\n`);
  }

  standStill(): void {
    // Local time, as faketime reads it; the dates of this language are in UTC.
    const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
    this.set(now.toISOString().slice(0, 19).replace('T', ' '));
  }

  /** A process that is killed leaves what it shared with others of its kind. */
  watch(pid: number | undefined): void {
    if (pid !== undefined) this.#pids.add(pid);
  }

  close(): void {
    for (const pid of this.#pids)
      for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
        rmSync(`/dev/shm/${name}`, { force: true });
  }
}
