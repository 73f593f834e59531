import { RumeurError } from '../src/base/errors.js';
import { exactJson, scanJson } from './json-text.js';

/** How the text of a value is to be understood: JSON where nothing is lost, else a string; or always the one. */
export type ValueMode = 'auto' | 'string' | 'json';

/**
 * The JSON text that a value on the command line, in a file or on stdin stands for. Its digits are kept.
 * @throws RumeurError `VALUE_INVALID` in mode `json` for what is not JSON or names a member twice
 */
export function valueText(written: string, mode: ValueMode): string {
  if (mode === 'string') return JSON.stringify(written);
  if (mode === 'auto') return exactJson(written) ?? JSON.stringify(written);
  const { compact, duplicate } = scanValue(written);
  if (duplicate === undefined) return compact;
  throw new RumeurError(
    'VALUE_INVALID',
    `the member ${JSON.stringify(duplicate)} occurs twice in one object`,
    {
      hint: 'keep one of the two, or store the text as it is with --string',
    },
  );
}

function scanValue(written: string): { compact: string; duplicate: string | undefined } {
  try {
    return scanJson(written);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RumeurError('VALUE_INVALID', `the value is not JSON: ${reason}`, {
      cause,
      hint: 'strings need double quotes inside the quotes of the shell: \'"text"\'; or leave out --json-value',
    });
  }
}

/** Files and pipes end with a line break that is not part of the value. */
export const withoutLastNewline = (text: string): string => text.replace(/\r?\n$/, '');

/** A value as `get` prints it: strings bare, the rest as JSON exactly as stored. */
export function shownValue(json: string): string {
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}
