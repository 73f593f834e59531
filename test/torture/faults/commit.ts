import { join } from 'node:path';
import type { Problem } from '../run/part.js';
import { dataFilesOf, dataPathsOf, filesOf } from '../tools/store.js';
import type { StoreReader } from '../tools/store-reader.js';
import { Strace } from '../tools/strace.js';
import { keyOf, numberInText, type Wave } from '../victim/protocol.js';
import { Victim } from '../victim/victim.js';
import { type Fault, injectionOf } from './plan.js';
import { judgeTrace } from './trace.js';

/** Where a case happens. */
export interface Scene {
  readonly storage: string;
  readonly reader: StoreReader;
  /** A folder of its own. */
  readonly folder: string;
  readonly directory: string;
  readonly acks: string;
  readonly trace: string;
}

/** What is written under the fault: three waves, of which each is one or two transactions. */
const WAVES = [6, 6, 12];
/** Written again so soon after the fault is over. */
const RESUME_MS = 10_000;
const BEFORE = 6;
const DISK_CODES = new Set(['DISK_FULL', 'DISK_FAILED']);

/** What has been seen of a victim. */
class Account {
  readonly acked = new Set<number>();
  readonly problems: Problem[] = [];
  refusals = 0;

  add(wave: Wave | undefined, what: string): void {
    if (!wave) return this.problem('hang', `${what}: no answer at all`);
    for (const n of wave.acked) this.acked.add(n);
    if (wave.hung.length > 0) this.problem('hang', `${what}: writes ${wave.hung.join(', ')} never settled`);
    this.refusals += wave.refused.length;
    const other = wave.refused.find(([, code]) => !DISK_CODES.has(code));
    if (other) this.problem('code', `${what}: write ${other[0]} was refused as ${other[1]}`);
  }

  problem(kind: string, text: string): void {
    this.problems.push({ kind, text });
  }
}

/** Strikes the commits of an open store, and its closing. @param fault none for a run that only looks */
export async function strikeCommit(
  scene: Scene,
  fault: Fault | undefined,
): Promise<{ outcome: string; problems: Problem[] }> {
  const { storage, directory, acks, trace } = scene;
  // One thread, so that the order of its calls is always the same.
  const victim = new Victim({ dataDir: directory, storage, acks }, [], { UV_THREADPOOL_SIZE: '1' });
  const account = new Account();
  try {
    if ((await victim.opened())?.at !== 'open') throw new Error(`the victim did not open: ${victim.log}`);
    account.add(await victim.write(0, BEFORE), 'before');
    const strace = await Strace.attach(victim.pid, {
      output: trace,
      paths: tracedPaths(scene, fault),
      ...(fault === undefined ? {} : { inject: injectionOf(fault) }),
    });
    const shown = await play(storage, { victim, account, strace }, fault);
    await strace.end();
    await expectKept(scene, account, shown);
  } finally {
    await victim.kill();
  }
  const { isHit, problems } = judgeTrace(trace, dataPathsOf(storage, directory), acks);
  const outcome = !isHit && fault ? 'not reached' : account.refusals > 0 ? 'refused' : 'acknowledged';
  const all = [...account.problems, ...problems];
  const died = all.some(({ kind }) => kind.startsWith('died'));
  return { outcome: died ? 'died' : outcome, problems: all };
}

/** Writes under the fault and after it, and ends the process. @returns what it has shown after an error */
async function play(
  storage: string,
  { victim, account, strace }: { victim: Victim; account: Account; strace: Strace },
  fault: Fault | undefined,
): Promise<ReadonlyMap<string, number>> {
  let shown: ReadonlyMap<string, number> = new Map();
  let n = BEFORE;
  for (const count of WAVES) {
    const wave = await victim.write(n, count);
    if (victim.end !== undefined) break;
    account.add(wave, `wave from ${n}`);
    n += count;
  }
  if (victim.end === undefined) shown = await afterFault(victim, account, fault);
  // strace counts in each thread by itself: in the new threads of a store that is opened anew, the fault comes once more.
  // Only lmdb makes none of these calls while it is opened.
  if (fault?.isLasting === true || (account.refusals > 0 && storage !== 'lmdb')) await strace.detach();
  if (account.refusals > 0 && victim.end === undefined) await expectResume(victim, account, n);
  if (victim.end !== undefined) account.problems.push(deathOf(victim, fault));
  // Both ways of ending must leave what was acknowledged; a close is part of what is struck.
  else if (isKilledAfter(fault)) await victim.kill();
  else await expectClose(victim, account, fault);
  return shown;
}

/** glibc's words when memory that was written past its end is given back. */
const OVERFLOW = /corrupted|free\(\): invalid|malloc\(\)|munmap_chunk/;
/** Of what a victim that dies has said, characters. */
const LAST_WORDS = 600;

/** Names the deaths whose causes are known; docs/TORTURE.md has them. */
function deathOf({ end, log }: Victim, fault: Fault | undefined): Problem {
  const isOverflow = log.includes('Attempting to write page') && (end === 'SIGSEGV' || OVERFLOW.test(log));
  const kind = isOverflow ? 'died-lmdb-message' : fault?.call === 'mmap' ? 'died-lmdb-map' : 'died';
  return { kind, text: `the process ended with ${String(end)}: ${log.trim().slice(-LAST_WORDS)}` };
}

/** Acknowledgements are written by `write`: where that is struck, they must not be among what is seen. */
function tracedPaths({ storage, directory, acks }: Scene, fault: Fault | undefined): string[] {
  const files = fault === undefined ? filesOf(storage) : [fault.file, ...dataFilesOf(storage)];
  const paths = [...new Set(files)].map((file) => (file === '' ? directory : join(directory, file)));
  return fault?.call === 'write' ? paths : [...paths, acks];
}

const isKilledAfter = (fault: Fault | undefined): boolean => fault !== undefined && fault.nth % 2 === 0;

/** What it says and shows when a write has been refused. */
async function afterFault(
  victim: Victim,
  account: Account,
  fault: Fault | undefined,
): Promise<ReadonlyMap<string, number>> {
  const status = await victim.status();
  if (fault?.isLasting === true && account.refusals > 0 && status?.readOnly === false)
    account.problem('untold', 'writes are refused, and status says that all is well');
  const reading = await victim.read();
  if (!reading) account.problem('hang', 'a read got no answer');
  return new Map(account.refusals > 0 ? (reading?.values ?? []) : []);
}

/** With the fault over it must write again by itself. */
async function expectResume(victim: Victim, account: Account, from: number): Promise<void> {
  const until = performance.now() + RESUME_MS;
  for (let n = from; performance.now() < until; n++) {
    const wave = await victim.write(n, 1);
    if (victim.end !== undefined) return;
    if (!wave || wave.hung.length > 0) {
      account.add(wave, 'after the fault');
      return;
    }
    for (const acked of wave.acked) account.acked.add(acked);
    if (wave.acked.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  account.problem('no-resume', `no write was taken within ${RESUME_MS} ms after the fault was over`);
}

async function expectClose(victim: Victim, account: Account, fault: Fault | undefined): Promise<void> {
  const answer = await victim.close();
  if (answer?.closed === false) account.problem('hang', 'close did not settle');
  else if (answer?.code !== undefined && !DISK_CODES.has(answer.code))
    account.problem('code', `close failed with ${answer.code}`);
  if (typeof (await victim.ended) === 'string') account.problems.push(deathOf(victim, fault));
}

/** Opens the store as the next start would: what was acknowledged is there, and so is what was shown after the error. */
async function expectKept(
  { storage, directory, reader }: Scene,
  account: Account,
  shown: ReadonlyMap<string, number>,
): Promise<void> {
  const reading = await reader.read({ storage, directory, isChecked: true });
  if (reading.died !== undefined || reading.refused !== undefined) {
    account.problem('unopenable', JSON.stringify(reading));
    return;
  }
  const held = new Map((reading.rows ?? []).map(({ key, text }) => [key, numberInText(text)]));
  for (const text of reading.problems ?? []) account.problem('corrupt', text);
  const lost = [...account.acked].filter((n) => !((held.get(keyOf(n)) ?? -1) >= n));
  if (lost.length > 0) account.problem('lost', `acknowledged writes ${lost.join(', ')}`);
  const gone = [...shown].filter(([key, n]) => !((held.get(key) ?? -1) >= n)).map(([key]) => key);
  if (gone.length > 0)
    account.problem('shown-and-gone', `${gone.join(', ')}: shown after the error, not there after a restart`);
}
