/**
 * Problems that are known and not solved yet, by kind, with why. They are counted and told like all others, and only
 * do not make a run fail. Whoever solves one takes its line out.
 */
const EXPECTED: Readonly<Record<string, string>> = {
  'no-resume': 'a peer whose store has failed stays read-only until it is restarted',
};

/** Why such a problem is expected; `undefined` when nobody expects it. */
export const expectedOf = (kind: string): string | undefined => EXPECTED[kind];

export const isExpected = (kind: string): boolean => expectedOf(kind) !== undefined;
