import type { RumeurError } from '../base/errors.js';
import type { Note } from '../replica/step.js';

/** What operators read in the log when the disk fails; `event` and `code` are for their machines. */
export function failureNote(error: RumeurError): Note {
  const isFull = error.code === 'DISK_FULL';
  const next = isFull
    ? 'writes are refused until there is room, which is looked for each second'
    : 'writes are refused while the store is opened anew';
  return {
    level: 'error',
    event: isFull ? 'disk-full' : 'disk-failed',
    message: `this peer can only be read: ${error.message}; ${next}`,
    fields: fieldsOf(error),
  };
}

/** @param ms how long nothing could be written */
export const resumedNote = (error: RumeurError, ms: number): Note => ({
  level: 'warn',
  event: 'disk-resumed',
  message: `this peer can be written again, after ${Math.round(ms / 1000)} seconds, under a new origin`,
  fields: { after: error.code, ms: Math.round(ms) },
});

/** A handle that did not want to be closed; the store is opened anew all the same. */
export const releaseNote = (error: RumeurError): Note => ({
  level: 'warn',
  event: 'disk-release-failed',
  message: `the store that failed could not be released: ${error.message}`,
  fields: fieldsOf(error),
});

/** A store that nobody can read; nothing of it is deleted. */
export const asideNote = (path: string, reason: string): Note => ({
  level: 'error',
  event: 'store-set-aside',
  message: `the store cannot be read and was moved to ${path}: ${reason}; this peer starts empty, as a new one, and fetches all from the others`,
  fields: { path, reason },
});

/** A mistake in this program. */
export const brokenNote = (error: RumeurError): Note => ({
  level: 'error',
  event: 'peer-broken',
  message: `this peer stops writing: ${error.message}`,
  fields: fieldsOf(error),
});

/** @param ms how long a write has been on its way */
export const slowNote = (ms: number): Note => ({
  level: 'warn',
  event: 'disk-slow',
  message: `the disk has taken ${Math.round(ms / 1000)} seconds over a write and is not done: writes wait for it`,
  fields: { ms: Math.round(ms) },
});

const fieldsOf = (error: RumeurError): Readonly<Record<string, unknown>> => ({
  code: error.code,
  ...(error.hint === undefined ? {} : { hint: error.hint }),
  err: error,
});
