import { type DrawOptions, drawPlan } from './plan/draw.js';
import { describePlan, type Plan } from './plan/plan.js';
import { reduce } from './reduce.js';
import { type Outcome, type RunOptions, runPlan } from './scenario.js';
import { kindOf, messageOf } from './violation.js';

/** What a seed has found. */
export interface Finding {
  readonly seed: number;
  readonly kind: string;
  readonly message: string;
  /** The reduced plan, or the whole one where there was no time. */
  readonly plan: Plan;
  readonly tries: number;
}

export type Result =
  { readonly ok: true; readonly outcome: Outcome } | { readonly ok: false; readonly finding: Finding };

/** Runs a plan. A violation is an outcome here, and its plan is reduced, for so long at most. */
export function tryPlan(plan: Plan, reduceMs: number, options: RunOptions = {}): Result {
  try {
    return { ok: true, outcome: runPlan(plan, options) };
  } catch (thrown) {
    const kind = kindOf(thrown);
    let message = messageOf(thrown);
    const fails = (candidate: Plan): boolean => {
      try {
        runPlan(candidate, options);
        return false;
      } catch (error) {
        if (kindOf(error) !== kind) return false;
        message = messageOf(error);
        return true;
      }
    };
    const now = (): number => performance.now();
    const reduced = reduceMs > 0 ? reduce(plan, fails, now, now() + reduceMs) : { plan, tries: 0 };
    return { ok: false, finding: { seed: plan.seed, kind, message, ...reduced } };
  }
}

export const trySeed = (seed: number, reduceMs: number, options: RunOptions & DrawOptions = {}): Result =>
  tryPlan(drawPlan(seed, options), reduceMs, options);

/** The one line that runs the seed again, exactly. */
export const replayLine = (seed: number): string =>
  `npm run simulate:long -- --from ${seed} --seeds 1 --again`;

/** A finding for people: what, how to see it again, and the shortest way to it. */
export const findingText = ({ seed, kind, message, plan, tries }: Finding): string =>
  [
    `seed ${seed}: ${kind}: ${message}`,
    `replay: ${replayLine(seed)}`,
    `reduced to ${plan.actions.length} actions in ${tries} runs:`,
    describePlan(plan),
  ].join('\n');
