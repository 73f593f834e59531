import { activeLinks, type Core } from './core.js';
import type { Turn } from './turn.js';

/** How far our clock is off the cluster's now, milliseconds: above 0 when it is behind. */
export const clockOffset = (core: Core, { now, wall }: Turn): number =>
  ownClockOffset(activeLinks(core).map(({ clockLead }) => clockLead + now - wall));

/**
 * How far our clock is off the cluster's, from the differences to our neighbours' clocks (theirs minus ours): the
 * median, ourselves counted as one, and of two middles the one nearer to us. So one wrong neighbour never makes us
 * doubt, and two that agree do.
 */
export function ownClockOffset(neighbours: readonly number[]): number {
  const sorted = [0, ...neighbours].sort((a, b) => a - b);
  const high = sorted[sorted.length >> 1] ?? 0;
  const low = sorted[(sorted.length - 1) >> 1] ?? 0;
  return Math.abs(low) <= Math.abs(high) ? low : high;
}
