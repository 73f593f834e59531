import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';
import { VERSION } from '../src/index.js';

/** Where a result comes from, without the machine's name. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? process.arch,
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0] ?? ''}`,
    node: process.versions.node,
    versions: { rumeur: VERSION, 'socket.io': installed('socket.io'), lmdb: installed('lmdb') },
  };
}

function installed(name: string): string {
  // Not by `require.resolve('<name>/package.json')`: not every package exports it.
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const path of paths) {
    try {
      return (JSON.parse(readFileSync(`${path}/${name}/package.json`, 'utf8')) as { version: string })
        .version;
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown';
}

/** CPU time in ticks: of everything on the machine, of it not idle, and of this process and its ended children. */
interface Ticks {
  readonly all: number;
  readonly busy: number;
  readonly own: number;
}

/** Measures what else the machine was doing; only on Linux, which counts it. */
export class ForeignLoad {
  readonly #begin = ticks();

  /** The share of all cores since the start that went to others, 0 to 1; all children must have ended. */
  share(): number | undefined {
    const end = ticks();
    if (this.#begin === undefined || end === undefined) return undefined;
    const { all, busy, own } = this.#begin;
    return Math.max(0, end.busy - busy - (end.own - own)) / Math.max(1, end.all - all);
  }
}

function ticks(): Ticks | undefined {
  if (process.platform !== 'linux') return undefined;
  const [total = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, ...interrupts] = total
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const busy = interrupts.reduce((sum, part) => sum + part, user + nice + system);
  const self = readFileSync('/proc/self/stat', 'utf8');
  // After the name, which may hold anything, in brackets: utime, stime, cutime and cstime are the 12th to 15th.
  const fields = self.slice(self.lastIndexOf(')') + 2).split(' ');
  const own = fields.slice(11, 15).reduce((sum, part) => sum + Number(part), 0);
  return { all: busy + idle + waiting, busy, own };
}
