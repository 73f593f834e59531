import { closest, distance } from 'fastest-levenshtein';

/** Names come from clients: as long as a message may be. */
export const quote = (name: string): string =>
  JSON.stringify(name.length <= 64 ? name : `${name.slice(0, 61)}...`);

/** The nearest of the known names, when it is near enough to be meant, before what else there is to say. */
export function didYouMean(name: string, known: readonly string[], otherwise: string): string {
  if (known.length === 0 || name.length > 64) return otherwise;
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.max(1, name.length / 3)
    ? `did you mean ${nearest}? ${otherwise}`
    : otherwise;
}
