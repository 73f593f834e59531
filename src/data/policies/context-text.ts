import { Buffer } from 'node:buffer';
import { digest128, toHex, utf8 } from '../../base/bytes.js';
import { RumeurError } from '../../base/errors.js';
import { isId, type OriginId } from '../../base/ids.js';
import { type Intervals, isIntervals } from '../intervals.js';
import type { WriteContext } from '../op.js';
import { stampFromText, stampToText } from '../stamp.js';
import { VersionVector } from '../version-vector.js';
import { MOST_INTERVALS } from './causal.js';

/** What a client has to carry, and what reading a text may cost: room for `MOST_INTERVALS`, of as many origins. */
const MOST_CHARACTERS = 320 * 2 ** 10;
const CHECK_DIGITS = 8;

/**
 * A context as clients carry it from a read to a write: opaque, of letters, digits, `-` and `_`, 320 KiB at most, and mostly
 * some 50 bytes. It guards against accidents, not against forgery: who may write may replace what stands anyway.
 * @param context of `MOST_INTERVALS` at most
 */
export const contextToText = (context: WriteContext): string => encode(context);

/** @throws `ARGUMENT_INVALID` for anything that `contextToText` does not make */
export function contextFromText(text: unknown): WriteContext {
  if (typeof text !== 'string') throw invalid('it is not a text');
  if (text.length > MOST_CHARACTERS) throw invalid(`it has more than ${MOST_CHARACTERS} characters`);
  const [stampText = '', ...rows] = Buffer.from(text, 'base64url').toString('latin1').split(';').slice(0, -1);
  const stamp = stampFromText(stampText);
  if (stamp === undefined) throw invalid('no peer has made it');
  const dots = new VersionVector(rows.map(readRow));
  if (dots.intervalCount() > MOST_INTERVALS) throw invalid(`it has more than ${MOST_INTERVALS} intervals`);
  const context = { dots, stamp };
  // There is one way to write a context: this finds what is cut, changed, twice or out of order.
  if (encode(context) !== text) throw invalid('it is cut or changed');
  return context;
}

/** `stamp;origin:lo-hi,lo-hi;...;check` */
function encode({ dots, stamp }: WriteContext): string {
  const body = `${stampToText(stamp)};${dots.toText()}`;
  const check = toHex(digest128(utf8(body))).slice(0, CHECK_DIGITS);
  return Buffer.from(body + check).toString('base64url');
}

function readRow(row: string): [OriginId, Intervals] {
  const [origin, ranges = ''] = row.split(':');
  const list = ranges.split(/[,-]/).map(Number);
  if (!isId(origin) || !isIntervals(list)) throw invalid('it is cut or changed');
  return [origin as OriginId, list];
}

const invalid = (what: string): RumeurError =>
  new RumeurError('ARGUMENT_INVALID', `this is no context of a read: ${what}`, {
    hint: 'read the key with its siblings and give back the context of that answer as it is',
  });
