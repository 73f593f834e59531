import type { ErrorCode } from '../src/base/errors.js';

/** What the process says to scripts; part of the public contract. */
export const EXIT = { done: 0, notFound: 1, usage: 2, unreachable: 3, refused: 4, timedOut: 5 } as const;

const USAGE: ReadonlySet<ErrorCode> = new Set([
  'ARGUMENT_INVALID',
  'EVENT_UNKNOWN',
  'KEY_EMPTY',
  'KEY_INVALID',
  'VALUE_INVALID',
  'BUCKET_UNKNOWN',
  'CONFIG_INVALID',
]);

/** Whatever is neither the caller's mistake nor a missing answer counts as refused. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'NOT_FOUND') return EXIT.notFound;
  if (code === 'PEER_UNREACHABLE') return EXIT.unreachable;
  if (code === 'TIMEOUT') return EXIT.timedOut;
  return USAGE.has(code) ? EXIT.usage : EXIT.refused;
}
