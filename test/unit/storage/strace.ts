import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { test } from '@jest/globals';

const CALLS = 'fdatasync,fsync,writev,pwrite64,pwritev';
const hasStrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
if (!hasStrace)
  process.stderr.write('SKIPPED: faults of system calls; strace is missing or must not trace here\n');

/** A test that needs strace; skipped, and said so, where that is missing. */
export const faultTest = hasStrace ? test : test.skip;

/** A shell command for `StoreChild`: all writes come from one thread, as strace counts calls by thread. */
export const ONE_WRITER = 'export UV_THREADPOOL_SIZE=1';

/** Lets a system call on a file fail in a process that runs, and writes down the calls on that file. */
export class Fault {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rumeur-strace-'));
  readonly #trace = join(this.#folder, 'trace');
  readonly #process: ChildProcessByStdio<null, null, Readable>;
  readonly #ended: Promise<unknown>;

  private constructor(pid: number, file: string, inject: string) {
    const options = ['-f', '-o', this.#trace, '-P', file, '-e', `trace=${CALLS}`, '-e', `inject=${inject}`];
    this.#process = spawn('strace', [...options, '-p', `${pid}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = once(this.#process, 'exit');
  }

  /** @param inject as strace's `-e inject` takes it; `when` counts in each thread of its own */
  static async inject(pid: number | undefined, file: string, inject: string): Promise<Fault> {
    if (pid === undefined) throw new Error('there is no process');
    const fault = new Fault(pid, file, inject);
    for await (const line of createInterface({ input: fault.#process.stderr }))
      if (line.includes(' attached')) break;
    return fault;
  }

  /** The calls on the file after the one that failed, by name; asked for when the process has ended. */
  async callsAfter(): Promise<string[]> {
    await this.#ended;
    const lines = readFileSync(this.#trace, 'utf8').trim().split('\n');
    const at = lines.findIndex((line) => line.includes('(INJECTED)'));
    if (at < 0) throw new Error(`no fault came to pass in:\n${lines.join('\n')}`);
    return lines.slice(at + 1).flatMap((line) => /^\d+\s+(\w+)\(/.exec(line)?.[1] ?? []);
  }

  async dispose(): Promise<void> {
    this.#process.kill();
    await this.#ended;
    rmSync(this.#folder, { recursive: true });
  }
}
