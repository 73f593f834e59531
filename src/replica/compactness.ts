import { atMost, highest } from '../data/intervals.js';
import type { VersionVector } from '../data/version-vector.js';
import { MalformedMessage } from '../protocol/fields.js';
import { MAX_EXACT_INTERVALS, MAX_ORIGINS } from '../protocol/limits.js';

/** Whether a vector has so many gaps that exact dots are to leave no more of them. */
export const isFragmented = (vector: VersionVector): boolean =>
  vector.intervalCount() > MAX_EXACT_INTERVALS + vector.size;

/**
 * What another peer claims is kept, and told to others: it must not make a vector outgrow the messages that carry it.
 * Claims of sound peers fill gaps; two vectors at their bounds are together within twice of them. What origins there is room
 * for is another matter, see `leaveAside`.
 * @param lost dots that damage has taken out of the vector: gaps that are nobody's fault
 * @throws MalformedMessage
 */
export function checkCompact(vector: VersionVector, more: VersionVector, lost = 0): void {
  const bound = 2 * MAX_EXACT_INTERVALS + lost;
  if (more.size > MAX_ORIGINS) throw new MalformedMessage('claims of too many origins');
  if (vector.intervalCount() + more.intervalCount() <= bound + vector.size) return;
  const whole = vector.clone();
  whole.merge(more);
  // What fills gaps is welcome however many there are: damage may have left more than any claim could.
  if (gapsIn(whole) > Math.max(bound, gapsIn(vector)))
    throw new MalformedMessage('claims that leave too many gaps');
}

/**
 * What to raise a floor by that is to name dots which are covered and gone. Where it is full of gaps: all that is covered of
 * their origins up to them. A floor may name whatever its vector covers; the worst of it is that others compare once more.
 */
export function floorFor(floor: VersionVector, dots: VersionVector, vector: VersionVector): VersionVector {
  if (!isFragmented(floor)) return dots;
  const wider = dots.clone();
  for (const [origin, set] of dots.entries()) wider.addAll(origin, atMost(vector.get(origin), highest(set)));
  return wider;
}

/** Intervals beside one for each origin. */
const gapsIn = (vector: VersionVector): number => vector.intervalCount() - vector.size;
