import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** What is seen of files: enough to know what is on the disk, and which handle it went through. */
const SEEN =
  'openat,close,read,pread64,write,writev,pwrite64,pwritev,fdatasync,fsync,sync_file_range,msync,mmap,ftruncate,fallocate,lseek,rename,unlink,mkdir,fcntl,fstatfs,statfs';

export interface StraceOptions {
  /** Where the trace goes. */
  readonly output: string;
  /** Only calls that concern these files. */
  readonly paths: readonly string[];
  /** What goes wrong, in strace's words: `fdatasync:error=EIO:when=3`. */
  readonly inject?: string;
  /** All bytes of what is written, as hex digits. */
  readonly isWhole?: boolean;
}

/** The words before a command line that is to be traced from its beginning. */
export function straceWords({ output, paths, inject, isWhole }: StraceOptions): string[] {
  return [
    'strace',
    '-f',
    '-y',
    ...(isWhole === true ? ['-xx', '-s', '4000000'] : ['-s', '200']),
    ...['-o', output],
    ...['-e', `trace=${SEEN}`],
    ...paths.flatMap((path) => ['-P', path]),
    ...(inject === undefined ? [] : ['-e', `inject=${inject}`]),
  ];
}

/** A strace that looks at a process which runs already. */
export class Strace {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close');
  }

  /** Resolves when it sees all threads. */
  static async attach(pid: number, options: StraceOptions): Promise<Strace> {
    const [command, ...words] = [...straceWords(options), '-p', String(pid)];
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const strace = new Strace(child);
    let text = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.includes('attached')) resolve();
      });
      void strace.#ended.then(() => reject(new Error(`strace ended: ${text}`)));
    });
    return strace;
  }

  /** Leaves the process alone from here on. */
  async detach(): Promise<void> {
    this.#child.kill('SIGINT');
    await this.#ended;
  }

  /** Waits until the process that it looks at is gone. */
  async end(): Promise<void> {
    await this.#ended;
  }
}

/** One system call of a trace, whole. */
export interface Call {
  readonly thread: string;
  readonly name: string;
  /** From the name to the end of the line. */
  readonly text: string;
  /** How many calls had ended when it began. */
  readonly begin: number;
}

const UNFINISHED = ' <unfinished ...>';

/** The calls of a trace in the order in which they ended. One that never ended is left out. */
export function* callsOf(path: string): Generator<Call, undefined, undefined> {
  const pending = new Map<string, { text: string; begin: number }>();
  let ended = 0;
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? ['', '', ''];
    if (text.endsWith(UNFINISHED)) {
      pending.set(thread, { text: text.slice(0, -UNFINISHED.length), begin: ended });
      continue;
    }
    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    const begun = rest === undefined ? { text, begin: ended } : pending.get(thread);
    if (!begun) continue;
    pending.delete(thread);
    const whole = rest === undefined ? text : begun.text + rest;
    const [, name] = /^(\w+)\(/.exec(whole) ?? [];
    if (name === undefined) continue;
    ended++;
    yield { thread, name, text: whole, begin: begun.begin };
  }
  return undefined;
}
