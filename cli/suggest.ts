import { closest, distance } from 'fastest-levenshtein';
import { COMMAND_NAMES } from './registry.js';

/** The command that `word` was probably meant to be. */
export function nearestCommand(word: string): string | undefined {
  const typed = word.toLowerCase();
  const byLowerCase = new Map(COMMAND_NAMES.map((name) => [name.toLowerCase(), name]));
  // Of equally near ones the first is taken: the first letter is seldom wrong.
  const isAlike = (name: string): number => (name.startsWith(typed.charAt(0)) ? 0 : 1);
  const names = [...byLowerCase.keys()].sort((a, b) => isAlike(a) - isAlike(b));
  const partOf = names.find((name) => typed.length >= 3 && name.includes(typed));
  const nearest = partOf ?? closest(typed, names);
  const near = partOf !== undefined || distance(typed, nearest) <= Math.ceil(0.4 * word.length);
  return near ? byLowerCase.get(nearest) : undefined;
}
