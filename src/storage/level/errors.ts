import { codeOf, fieldOf } from '../disk/errors.js';

/** What the C library says of a disk without room, by the code that Node has for it. */
const FULL = {
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Quota exceeded': 'EDQUOT',
  'File too large': 'EFBIG',
} as const;

/**
 * What LevelDB said: classic-level wraps it when opening, and has one code for all errors of the system, whose text alone
 * tells one from the other. Errors of anybody else pass through.
 */
export function levelError(thrown: unknown): unknown {
  const error = fieldOf(thrown, 'cause') ?? thrown;
  const message = fieldOf(error, 'message');
  if (codeOf(error) !== 'LEVEL_IO_ERROR' || typeof message !== 'string') return error;
  const found = Object.entries(FULL).find(([text]) => message.includes(text));
  return found === undefined
    ? error
    : Object.assign(new Error(message, { cause: error }), { code: found[1] });
}

/** LevelDB has one code for all errors of the system. These come of a file that is gone, or shorter than it was. */
const LACKS = /No such file or directory|Invalid argument/;

/** Whether an error says that the store is damaged, rather than that the disk or the machine fails. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === 'LEVEL_CORRUPTION' ||
    (code === 'LEVEL_IO_ERROR' && LACKS.test(String(fieldOf(error, 'message'))))
  );
}
