import type { Problem } from '../run/part.js';
import type { Answer, BucketKey, Shown } from './pack-protocol.js';

/** What a template holds: keys and the JSON text under each. */
export interface Expected {
  readonly keys: readonly BucketKey[];
  readonly texts: readonly (string | null)[];
}

/** What is known of a peer beside what it shows. */
export interface Circumstances {
  /** Whether others have what it has lost. */
  readonly hasOthers: boolean;
  /** Nobody has a store any more that could know better: it is gone, or was set aside. */
  readonly isEmptied: boolean;
  /** Keys that were given up as lost on all peers are named in this. */
  readonly log: string;
}

/** Whether a peer shows what was written, or says by name what it cannot show; never anything else. */
export function judgeShown(expected: Expected, shown: Shown, circumstances: Circumstances): Problem[] {
  const problems = new Map<string, string[]>();
  const add = (kind: string, text: string): void => {
    problems.set(kind, [...(problems.get(kind) ?? []), text]);
  };
  for (const [index, [bucket, key]] of expected.keys.entries()) {
    const wanted = expected.texts[index] ?? null;
    const kind = problemOf(wanted, shown.values[index] ?? { text: null }, key, circumstances);
    if (kind !== undefined)
      add(kind, `${bucket} ${key}: ${JSON.stringify(shown.values[index]).slice(0, 60)}`);
  }
  for (const other of shown.others) add('from-nowhere', other);
  return [...problems].map(([kind, texts]) => ({
    kind,
    text: `${texts.length}: ${texts.slice(0, 3).join('; ')}`,
  }));
}

function problemOf(
  wanted: string | null,
  answer: Answer,
  key: string,
  { hasOthers, isEmptied, log }: Circumstances,
): string | undefined {
  if ('code' in answer) {
    if (answer.code !== 'DISK_FAILED') return 'code';
    return hasOthers ? 'not-repaired' : undefined;
  }
  if (answer.text === wanted) return undefined;
  if (answer.text !== null) return 'wrong-value';
  const isNamed = log.includes('row-lost') && log.includes(JSON.stringify(key).slice(1, -1));
  return isNamed || isEmptied ? undefined : 'missing';
}
