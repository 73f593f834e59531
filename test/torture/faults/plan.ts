import { callsOf } from '../tools/strace.js';

/** What goes wrong at one system call. */
export interface Fault {
  /** When: while batches are committed and the store is closed, or while it is opened, new or used before. */
  readonly stage: Stage;
  readonly call: string;
  /** The name of the file in the store's directory; empty for the directory itself. */
  readonly file: string;
  /** It is this one of its thread's calls. */
  readonly nth: number;
  readonly error: string;
  /** Once, or from then on until it is mended. */
  readonly isLasting: boolean;
}

export const STAGES = ['commit', 'open new', 'open used'] as const;
export type Stage = (typeof STAGES)[number];

const ERRORS = ['EIO', 'ENOSPC'];
/** Calls that write may write less than they were asked to; strace then answers for the system, and nothing is written. */
const WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev']);
const SYNCS = new Set(['fdatasync', 'fsync']);
/** What the others fail with where a disk is the cause. */
const OWN_ERRORS: Readonly<Record<string, readonly string[]>> = {
  mmap: ['ENOMEM'],
  openat: ['EIO', 'ENOSPC', 'EMFILE'],
  read: ['EIO'],
  pread64: ['EIO'],
};
/** Nothing that could fail is behind these. */
const HARMLESS = new Set(['close', 'lseek', 'fcntl', 'fstatfs', 'statfs']);
/** What a slow disk adds to a sync, microseconds: less than a write may take. */
const SLOW_US = 2_000_000;

/** How often each call came in a run without faults, the most of any thread: `call file` to its number. */
export function countsOf(trace: string, directory: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { thread, name, text } of callsOf(trace)) {
    const file = fileIn(text, directory);
    if (file === undefined || HARMLESS.has(name)) continue;
    const key = `${name} ${file} ${thread}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const most = new Map<string, number>();
  for (const [key, count] of counts) {
    const [name = '', file = ''] = key.split(' ');
    most.set(`${name} ${file}`, Math.max(count, most.get(`${name} ${file}`) ?? 0));
  }
  return most;
}

/** The name of the file that a call is about. */
export function fileIn(text: string, directory: string): string | undefined {
  const at = text.indexOf(directory);
  if (at < 0) return undefined;
  const rest = /^[^">,]*/.exec(text.slice(at + directory.length))?.[0] ?? '';
  return rest === '' ? '' : rest.startsWith('/') ? rest.slice(1) : undefined;
}

/** Every call, each by itself, with all that can go wrong with it. */
export function faultsAt(stage: Stage, counts: ReadonlyMap<string, number>): Fault[] {
  const faults: Fault[] = [];
  // LevelDB appends: an answer without the write would leave a gap in a file, as no system does.
  const appends = [...counts.keys()].some((key) => key.includes(' level/'));
  for (const [key, count] of counts) {
    const [call = '', file = ''] = key.split(' ');
    const errors = [
      ...(OWN_ERRORS[call] ?? ERRORS),
      ...(WRITES.has(call) && !(appends && call === 'write') ? ['short'] : []),
      ...(SYNCS.has(call) ? ['slow'] : []),
    ];
    for (let nth = 1; nth <= count; nth++)
      for (const error of errors) {
        const canLast = stage === 'commit' && error !== 'slow' && error !== 'short';
        for (const isLasting of canLast ? [false, true] : [false])
          faults.push({ stage, call, file, nth, error, isLasting });
      }
  }
  return faults;
}

export const nameOf = ({ stage, call, file, nth, error, isLasting }: Fault): string =>
  [
    stage,
    call,
    file === '' ? '.' : file.replaceAll('/', ':'),
    nth,
    error,
    ...(isLasting ? ['lasting'] : []),
  ].join('/');

export function faultNamed(name: string): Fault {
  const [stage = '', call = '', file = '', nth = '', error = '', lasting] = name.split('/');
  return {
    stage: stage as Stage,
    call,
    file: file === '.' ? '' : file.replaceAll(':', '/'),
    nth: Number(nth),
    error,
    isLasting: lasting !== undefined,
  };
}

/** In strace's words. */
export function injectionOf({ call, nth, error, isLasting }: Fault): string {
  const what =
    error === 'slow' ? `delay_exit=${SLOW_US}` : error === 'short' ? 'retval=10' : `error=${error}`;
  return `${call}:${what}:when=${nth}${isLasting ? '+' : ''}`;
}
