import { RumeurError, toRumeurError } from '../src/base/errors.js';
import { parseArgv, type Invocation } from './argv.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { endQuietlyWithReader, errorText, flushOutput, note, print } from './output.js';
import { COMMANDS } from './registry.js';

/** Runs one command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyWithReader();
  const code = await exitCode(argv);
  await flushOutput();
  // What may still be open, such as a connection that a hung peer does not close, must not hold us.
  process.exit(code);
}

async function exitCode(argv: readonly string[]): Promise<number> {
  const defaultUrl = process.env['RUMEUR_URL'] === '' ? undefined : process.env['RUMEUR_URL'];
  try {
    return await perform(parseArgv(argv, defaultUrl), defaultUrl);
  } catch (thrown) {
    const error = toRumeurError(thrown);
    note(errorText(error));
    return exitCodeOf(error.code);
  }
}

async function perform(invocation: Invocation, defaultUrl: string | undefined): Promise<number> {
  if (invocation.kind === 'unknown') throw await unknownCommand(invocation.word);
  if (invocation.kind === 'incomplete') throw await incomplete(invocation.word);
  const { helpText, parseCommand, version } = await import('./program.js');
  if (invocation.kind === 'version') {
    await print(`${version()}\n`);
    return EXIT.done;
  }
  if (invocation.kind === 'usage') {
    note((await helpText(undefined)).trimEnd());
    return EXIT.usage;
  }
  if (invocation.kind === 'help') {
    await print(await helpText(invocation.command));
    return EXIT.done;
  }
  const { command } = await COMMANDS[invocation.command].load();
  const { args, options, globals } = parseCommand(invocation.command, command, invocation.rest);
  const { Session } = await import('./session.js');
  const session = new Session(invocation.config, globals, defaultUrl);
  try {
    return (await command.run({ arguments: args, options, session })) ?? EXIT.done;
  } finally {
    session.close();
  }
}

/** One word alone: a config without a command, or a command that does not exist. */
async function incomplete(word: string): Promise<RumeurError> {
  const { findConfig } = await import('./target.js');
  try {
    findConfig(word);
  } catch (error) {
    return /[./\\]/.test(word) && error instanceof RumeurError ? error : await unknownCommand(word);
  }
  return new RumeurError('ARGUMENT_INVALID', `no command after the config ${JSON.stringify(word)}`, {
    hint: `for example: rumeur ${word} start, or: rumeur ${word} get <key>`,
  });
}

async function unknownCommand(word: string): Promise<RumeurError> {
  const { nearestCommand } = await import('./suggest.js');
  const nearest = nearestCommand(word);
  const hint = nearest === undefined ? '' : `did you mean ${nearest}? `;
  return new RumeurError('ARGUMENT_INVALID', `unknown command ${JSON.stringify(word)}`, {
    hint: `${hint}rumeur --help lists the commands`,
  });
}
