import { join } from 'node:path';
import type { Problem } from '../run/part.js';
import { dataPathsOf, filesOf } from '../tools/store.js';
import { straceWords } from '../tools/strace.js';
import { keyOf, numberInText } from '../victim/protocol.js';
import { Victim } from '../victim/victim.js';
import type { Scene } from './commit.js';
import { type Fault, injectionOf } from './plan.js';
import { judgeTrace } from './trace.js';

/** What is written when the store opens after all. */
const WAVE = 4;

/** Strikes the opening of a store. @param kept the writes that are in it already */
export async function strikeOpen(
  scene: Scene,
  fault: Fault | undefined,
  kept: readonly number[],
): Promise<{ outcome: string; problems: Problem[] }> {
  const { storage, directory, trace } = scene;
  const problems: Problem[] = [];
  const paths = filesOf(storage).map((file) => (file === '' ? directory : join(directory, file)));
  const launcher = straceWords({
    output: trace,
    paths,
    ...(fault === undefined ? {} : { inject: injectionOf(fault) }),
  });
  const victim = new Victim({ dataDir: directory, storage }, launcher, { UV_THREADPOOL_SIZE: '1' });
  const acked = new Set(kept);
  let outcome = 'opened';
  try {
    const said = await victim.opened();
    if (said?.at === 'refused') {
      outcome = 'refused';
      if (!said.code.startsWith('DISK_'))
        problems.push({ kind: 'code', text: `the store was refused as ${said.code}: ${said.message}` });
    } else if (!said) {
      outcome = 'died';
      if (victim.end === undefined) problems.push({ kind: 'hang', text: 'it said nothing' });
    } else if (fault) {
      for (const n of (await victim.write(1000, WAVE))?.acked ?? []) acked.add(n);
    }
    if (said?.at === 'refused') await victim.ended;
  } finally {
    const end = await victim.kill();
    if (typeof end === 'string' && end !== 'SIGKILL')
      problems.push({ kind: deathOf(storage, end), text: `the process ended with ${end}` });
  }
  problems.push(...(await problemsAfter(scene, acked)));
  const { isHit } = judgeTrace(trace, dataPathsOf(storage, directory), '');
  return { outcome: !isHit && fault ? 'not reached' : outcome, problems };
}

/** lmdb-js 3.5 does not survive an environment that it cannot open. */
const deathOf = (storage: string, end: string): string =>
  storage === 'lmdb' && end === 'SIGSEGV' ? 'died-lmdb-open' : 'died';

/** The next start finds all that was acknowledged, whatever became of the one before. */
async function problemsAfter(
  { storage, directory, reader }: Scene,
  acked: ReadonlySet<number>,
): Promise<Problem[]> {
  const reading = await reader.read({ storage, directory, isChecked: true });
  if (reading.died !== undefined || reading.refused !== undefined)
    return [{ kind: 'unopenable', text: JSON.stringify(reading) }];
  const held = new Map((reading.rows ?? []).map(({ key, text }) => [key, text]));
  const lost = [...acked].filter((n) => !(numberInText(held.get(keyOf(n))) >= n));
  return [
    ...(reading.problems ?? []).map((text) => ({ kind: 'corrupt', text })),
    ...lost.map((n) => ({ kind: 'lost', text: `write ${n}` })),
  ];
}
