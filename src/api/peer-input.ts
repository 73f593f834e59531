import { RumeurError } from '../base/errors.js';
import { DEFAULT_BUCKET } from '../base/ids.js';
import { describe } from './json.js';
import type { BucketOption, Json, PeerChange } from './peer-types.js';
import type { RowChange } from './service.js';
import { didYouMean, quote } from './suggest.js';
import { decodeValue } from './values.js';

export const WRITE_OPTIONS = ['bucket', 'context'];

/** The bucket that the options name. @throws `ARGUMENT_INVALID` as `checkOptions` */
export function bucketOf(options: BucketOption, known: readonly string[] = ['bucket']): string {
  checkOptions(options, known);
  return options.bucket ?? DEFAULT_BUCKET;
}

/** @throws `ARGUMENT_INVALID` for options that do not exist: a typo must not write elsewhere */
export function checkOptions(options: object, known: readonly string[]): void {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new RumeurError('ARGUMENT_INVALID', `the options are an object, not ${describe(given)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known, `the options are ${known.join(', ')}`);
  throw new RumeurError('ARGUMENT_INVALID', `there is no option ${quote(unknown)}`, { hint });
}

/** @throws `ARGUMENT_INVALID` for what is no list of pairs */
export function pairsOf(rows: Iterable<readonly [string, Json]>): (readonly [string, Json])[] {
  const list: unknown = rows;
  if (typeof list !== 'object' || list === null || !(Symbol.iterator in list)) {
    throw new RumeurError('ARGUMENT_INVALID', `the rows are a list of [key, value], not ${describe(list)}`);
  }
  const pairs = Array.from(rows);
  const wrong = pairs.findIndex((pair: unknown) => !Array.isArray(pair) || pair.length !== 2);
  if (wrong < 0) return pairs;
  throw new RumeurError('ARGUMENT_INVALID', `row ${wrong} is not [key, value]`);
}

export function toChange<T>({ bucket, key, value, dot, stamp, siblings, member }: RowChange): PeerChange<T> {
  const common = { bucket, key, dot, stamp };
  if (member) return { ...common, member: member.name, added: member.added };
  if (value === null) return { ...common, deleted: true };
  const change = { ...common, value: decodeValue(value) as T };
  return siblings === undefined ? change : { ...change, siblings };
}
