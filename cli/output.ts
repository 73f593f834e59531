import { RumeurError } from '../src/base/errors.js';

/** Results, and nothing else. Resolves when the reader has taken enough of them for more. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

/** Everything that is not a result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One line: what happened, its code and what to do; the parts of a message with several lines follow it. */
export function errorText({ message, code, hint }: RumeurError): string {
  const [first = '', ...more] = message.split('\n');
  const line = `rumeur: ${first} (${code})${hint === undefined ? '' : `; ${hint}`}`;
  return [line, ...more].join('\n');
}

/** Keys and names as one word on one line: what would break the line or steer the terminal is quoted as in JSON. */
export function shownName(name: string): string {
  return /[\p{Cc}\u2028\u2029]/u.test(name) || name.startsWith('"') ? JSON.stringify(name) : name;
}

/** `| head` closes our output when it has enough: no error, but nobody is left to print for. */
export function endQuietlyWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    note(errorText(new RumeurError('INTERNAL', `cannot print: ${error.message}`, { cause: error })));
    process.exit(4);
  });
  // Without a reader of errors there is nowhere to complain.
  process.stderr.on('error', () => process.exit(4));
}

/** Resolves when everything printed has left the process. */
export async function flushOutput(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
}
