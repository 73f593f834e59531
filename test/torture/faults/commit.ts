import { join } from 'node:path';
import { isExpected } from '../run/expected.js';
import type { Problem } from '../run/part.js';
import { dataFilesOf, filesOf, storeFileOf } from '../tools/store.js';
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
const RESUME_MS = isExpected('faults', 'no-resume') ? 300 : 10_000;
const BEFORE = 6;
/** Of what a victim that hangs or dies has said, characters. */
const LAST_WORDS = 1500;
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
    let n = BEFORE;
    for (const count of WAVES) {
      account.add(await victim.write(n, count), `wave from ${n}`);
      n += count;
    }
    const shown = await afterFault(victim, account, fault);
    // strace counts in each thread by itself: in the new threads and the probe of a store that is opened anew, the fault comes
    // once more. Only lmdb makes none of these calls while it is opened.
    if (fault?.isLasting === true || (account.refusals > 0 && storage !== 'lmdb')) {
      await strace.detach();
      await expectResume(victim, account, n);
    } else if (account.refusals > 0) await expectResume(victim, account, n);
    // Both ways of ending must leave what was acknowledged; a close is part of what is struck.
    if (isKilledAfter(fault)) await victim.kill();
    else await expectClose(victim, account);
    await strace.end();
    await expectKept(scene, account, shown);
  } finally {
    await victim.kill();
  }
  const { isHit, problems } = judgeTrace(trace, storeFileOf(storage, directory), acks);
  const words = victim.log.trim().slice(-LAST_WORDS);
  if (account.problems.some(({ kind }) => kind === 'hang' || kind === 'died') && words !== '')
    account.problem('last-words', words);
  const outcome = !isHit && fault ? 'not reached' : account.refusals > 0 ? 'refused' : 'acknowledged';
  return { outcome, problems: [...account.problems, ...problems] };
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
  for (let n = from; performance.now() < until && victim.end === undefined; n++) {
    const wave = await victim.write(n, 1);
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

async function expectClose(victim: Victim, account: Account): Promise<void> {
  const answer = await victim.close();
  if (answer?.closed === false) account.problem('hang', 'close did not settle');
  else if (answer?.code !== undefined && !DISK_CODES.has(answer.code))
    account.problem('code', `close failed with ${answer.code}`);
  const end = await victim.ended;
  if (typeof end === 'string') account.problem('died', `the process ended with ${end}`);
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
