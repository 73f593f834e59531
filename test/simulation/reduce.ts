import type { Action, Plan } from './plan/plan.js';

export interface Reduction {
  readonly plan: Plan;
  /** How many plans were tried. */
  readonly tries: number;
}

/**
 * The smallest part of a plan that still fails in the same way, by delta debugging (Zeller and Hildebrandt, 2002):
 * leaves out ever smaller parts of its actions, then the peers that nothing needs.
 * @param fails whether a plan ends with the violation that is looked for
 * @param now milliseconds; when `until` has come, the best so far is returned
 */
export function reduce(
  plan: Plan,
  fails: (plan: Plan) => boolean,
  now: () => number,
  until: number,
): Reduction {
  let tries = 0;
  const isLate = (): boolean => now() >= until;
  const stillFails = (candidate: Plan): boolean => {
    tries++;
    return fails(candidate);
  };
  let best = plan;
  let parts = 2;
  while (best.actions.length > 1 && !isLate()) {
    const smaller = firstThatFails(best, parts, stillFails, isLate);
    if (smaller) {
      best = smaller;
      parts = Math.max(2, parts - 1);
    } else if (parts >= best.actions.length) break;
    else parts = Math.min(best.actions.length, parts * 2);
  }
  for (
    let fewer = withoutLastPeer(best);
    fewer && !isLate() && stillFails(fewer);
    fewer = withoutLastPeer(best)
  ) {
    best = fewer;
  }
  return { plan: best, tries };
}

/** The plan without one of so many parts of it. */
function firstThatFails(
  plan: Plan,
  parts: number,
  fails: (plan: Plan) => boolean,
  isLate: () => boolean,
): Plan | undefined {
  const { actions } = plan;
  const size = Math.ceil(actions.length / parts);
  // What happened last is most likely to matter least: a run ends at its violation.
  for (let from = (parts - 1) * size; from >= 0; from -= size) {
    if (isLate()) return undefined;
    const candidate = { ...plan, actions: [...actions.slice(0, from), ...actions.slice(from + size)] };
    if (candidate.actions.length < actions.length && fails(candidate)) return candidate;
  }
  return undefined;
}

/** Without the last peer, unless an action names it. */
function withoutLastPeer(plan: Plan): Plan | undefined {
  const { peers } = plan.setup;
  const last = peers.length - 1;
  if (last < 2 || plan.actions.some((action) => names(action, last))) return undefined;
  return { ...plan, setup: { ...plan.setup, peers: peers.slice(0, last) } };
}

function names(action: Action, place: number): boolean {
  if (action.do === 'join') return true;
  if (action.do === 'cut') return action.ways.some((way) => way.some((peer) => peer >= place));
  return ('peer' in action && action.peer >= place) || ('other' in action && action.other >= place);
}
