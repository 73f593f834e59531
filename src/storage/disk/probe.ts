import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { RumeurError } from '../../base/errors.js';
import { PROBE_EXITS } from './probe-exits.js';

/** Beside this file in dist/, from the bundle in dist/bin, and from the sources. */
const CANDIDATES = [
  './probe-child.js',
  '../src/storage/disk/probe-child.js',
  '../../../dist/src/storage/disk/probe-child.js',
];
/** In the place of the signal by which we had to end the probe. */
const HUNG = 'hung';
/** What a damaged store does to the process that reads it; other signals come from outside. */
const DEADLY = new Set<unknown>(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP', HUNG]);
const MAX_TEXT = 500;

/** A sound store shows a sign of life every few milliseconds; a machine that is out of memory or asleep may not. */
export const PROBE_SILENCE_MS = 30_000;

export interface ProbeOptions {
  /** The state alone and the ends of the tables. */
  readonly quick: boolean;
  /** Milliseconds without a sign of life after which the probe is given up. */
  readonly silence: number;
}

/** `rebuild`: it can be read, but is best copied without its many damaged rows. */
export interface ProbeVerdict {
  readonly kind: 'sound' | 'rebuild' | 'unusable';
  readonly reason: string;
}

/** Words of Node about a lack of memory, by which it ends itself with such a signal too. */
const OUT_OF_MEMORY = /out of memory|allocation failed|FATAL ERROR/i;

/** What a probe has said: on stderr, and whether it had come to the store. */
interface Said {
  readonly text: string;
  readonly hasBegun: boolean;
}

/** How one probe has ended; when it `failed` that says nothing of the store. */
interface End {
  readonly kind: ProbeVerdict['kind'] | 'failed';
  readonly reason: string;
}

/**
 * Lets a child process read a store that nobody has open. Only what has happened twice in a row counts against the store.
 * @throws RumeurError `DISK_FAILED` when it cannot be told: the disk, the machine or somebody else may be the reason
 */
export async function probeStore(
  engine: string,
  directory: string,
  options: ProbeOptions,
): Promise<ProbeVerdict> {
  const first = await probeOnce(engine, directory, options);
  if (isReadable(first)) return first;
  const second = await probeOnce(engine, directory, options);
  if (isReadable(second)) return second;
  if (first.kind !== 'failed' && second.kind !== 'failed') return { ...second, kind: 'unusable' };
  const { reason } = first.kind === 'failed' ? first : second;
  throw new RumeurError('DISK_FAILED', `the data in ${directory} cannot be looked at: ${reason}`, {
    hint: 'check the disk, the rights on the directory and the memory, then start the peer again',
  });
}

const isReadable = (end: End): end is ProbeVerdict => end.kind === 'sound' || end.kind === 'rebuild';

async function probeOnce(engine: string, directory: string, { quick, silence }: ProbeOptions): Promise<End> {
  const child = spawn(process.execPath, [script(), engine, directory, quick ? 'quick' : 'full'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Options for this process, as an inspector's port, are not for another one.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const hanging = new AbortController();
  const timer = setTimeout(() => {
    hanging.abort();
    child.kill('SIGKILL');
  }, silence);
  let hasBegun = false;
  child.stdout.on('data', () => {
    hasBegun = true;
    timer.refresh();
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => (text = (text + more).slice(-MAX_TEXT)));
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return probeEnd(code, hanging.signal.aborted ? HUNG : signal, { text: text.trim(), hasBegun });
  } catch (error) {
    return { kind: 'failed', reason: `no process can be started: ${String(error)}` };
  } finally {
    clearTimeout(timer);
  }
}

/** A process that dies before it comes to the store, or of a lack of memory, says nothing of the store. */
export function probeEnd(code: number | null, signal: string | null, { text, hasBegun }: Said): End {
  const isOurs = signal === HUNG || (hasBegun && !OUT_OF_MEMORY.test(text));
  const deadly = signal === HUNG ? 'hangs' : `ends a process by ${signal}`;
  if (DEADLY.has(signal) && isOurs) return { kind: 'unusable', reason: `reading it ${deadly}` };
  const reason = text === '' ? `the probe ended with ${signal ?? code}` : text;
  if (code === 0) return { kind: 'sound', reason };
  if (code === PROBE_EXITS.manyDamagedRows) return { kind: 'rebuild', reason };
  return { kind: code === PROBE_EXITS.damaged ? 'unusable' : 'failed', reason };
}

function script(): string {
  const found = CANDIDATES.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined)
    throw new RumeurError('INTERNAL', 'the probe of the store is missing in this package');
  return fileURLToPath(found);
}
