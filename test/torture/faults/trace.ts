import type { Problem } from '../run/part.js';
import { callsOf } from '../tools/strace.js';

/** What a trace of one faulty run shows. */
export interface TraceReport {
  /** Whether the fault came about. */
  readonly isHit: boolean;
  readonly problems: readonly Problem[];
}

const SYNCS = new Set(['fdatasync', 'fsync', 'sync_file_range']);
const WRITABLE = /O_RDWR|O_WRONLY/;

/**
 * Reads from a trace what nobody can see from outside: whether a handle was trusted after one of its syncs had failed.
 * The kernel tells of a failed write-back once; a second sync that succeeds proves nothing (Rebello et al., "Can
 * Applications Recover from fsync Failures?", 2020).
 */
export function judgeTrace(trace: string, dataFiles: ReadonlySet<string>, acks: string): TraceReport {
  const problems: Problem[] = [];
  const failed = new Map<string, string>();
  let isHit = false;
  /** A call on the data has failed, and no new handle was opened since; somebody was told so. */
  let [isBroken, isTold] = [false, false];
  for (const { name, text } of callsOf(trace)) {
    const isInjected = text.includes('(INJECTED)') || text.includes('(DELAYED)');
    isHit ||= isInjected;
    if (isTold && text.includes(`<${acks}>, "ack `))
      problems.push({ kind: 'ack-after-error', text: `no new handle was opened before: ${text}` });
    if (isBroken && text.includes(`<${acks}>, "no `)) isTold = true;
    if (name === 'openat' && WRITABLE.test(text) && dataFiles.has(/"([^"]*)"/.exec(text)?.[1] ?? ''))
      [isBroken, isTold] = [false, false];
    const handle = /^\w+\((\d+)<([^>]*)>/.exec(text);
    if (!handle) continue;
    const [, fd = '', path = ''] = handle;
    if (dataFiles.has(path) && text.includes('= -1 ')) isBroken = true;
    if (name === 'close') failed.delete(fd);
    else if (SYNCS.has(name)) {
      const earlier = failed.get(fd);
      if (earlier !== undefined)
        problems.push({ kind: 'sync-retried', text: `${path}: ${earlier}, then ${text}` });
      if (text.includes('= -1 ')) failed.set(fd, text);
    }
  }
  return { isHit, problems };
}
