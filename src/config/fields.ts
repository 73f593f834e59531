import { z } from 'zod';

/**
 * The building blocks of the schema. The message of every issue is what was *expected*, as a phrase that
 * goes after "expected"; `problems.ts` adds where it is and what was found.
 */

/** 10,000. The same by `toLocaleString` costs a process 10 ms for loading the data of all locales. */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

export function whole(min: number, max: number, description: string) {
  const error = `a whole number from ${grouped(min)} to ${grouped(max)}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).describe(description);
}

export function flag(description: string) {
  return z.boolean({ error: 'true or false' }).describe(description);
}

export function choice<const T extends readonly [string, ...string[]]>(values: T, description: string) {
  const error =
    values.length === 1 ? `"${values[0]}"` : `one of ${values.map((value) => `"${value}"`).join(', ')}`;
  return z.enum(values, { error }).describe(description);
}

/** `expected` says in words what `pattern` admits. */
export function text(pattern: RegExp, expected: string, description: string) {
  return z.string({ error: expected }).regex(pattern, { error: expected }).describe(description);
}

/** `[least, most]` of a time that is drawn anew each round. */
export function range(min: number, max: number, unit: string, description: string) {
  const error = `a list of two whole numbers, [least, most], in ${unit}`;
  const bound = whole(min, max, unit);
  return z
    .tuple([bound, bound], { error })
    .refine(([least, most]) => least <= most, { error: 'the least first, then the most' })
    .describe(description);
}

/** An object with exactly these fields, all of which have defaults. */
export function section<T extends z.core.$ZodLooseShape>(shape: T, description: string) {
  return z.strictObject(shape, { error: 'an object' }).describe(description);
}
