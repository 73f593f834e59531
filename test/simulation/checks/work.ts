import type { Plan } from '../plan/plan.js';
import { Violation } from '../violation.js';

/** Of the writes that running peers were asked for, how many must have been made, at least: the rest they refuse. */
const SHARE = 0.15;

const WRITES: ReadonlySet<string> = new Set(['set', 'incr', 'sadd']);

/** An idle run must not pass: writes were made, and looked at, and crossed the network. */
export function checkWork({ actions, setup }: Plan, tally: ReadonlyMap<string, number>): void {
  const asked = [...WRITES].reduce((sum, name) => sum + (tally.get(name) ?? 0), 0);
  // A peer with another policy, a wrong clock or a damaged row refuses, and under `fww` only the first write of a key is taken.
  const isOdd = setup.peers.some(({ policies }) => Object.keys(policies).length > 0);
  const isAppendOnly = Object.values(setup.policies).every((policy) => policy === 'fww');
  const mayRefuse = isOdd || isAppendOnly || tally.has('flip') || tally.has('skew');
  const least = mayRefuse ? 0 : Math.floor(asked * SHARE);
  demand(tally, 'writes', least);
  // Once a dot may name two things no cell is looked at any more.
  const isTainted = actions.some((action) => action.do === 'restore' && action.unnoticed);
  demand(tally, 'cells', isTainted ? 0 : least);
  demand(tally, 'coverage', setup.peers.length);
  if (actions.length > 0 && setup.peers.length > 1) demand(tally, 'hello', 2);
}

function demand(tally: ReadonlyMap<string, number>, what: string, least: number): void {
  const done = tally.get(what) ?? 0;
  if (done < least) throw new Violation('idle', `${what}: ${done} times, where at least ${least} were to be`);
}
