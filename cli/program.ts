import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RumeurError } from '../src/base/errors.js';
import type { CommandModule, CommandUsage } from './command.js';
import { commandEntries, COMMANDS, STANDALONE, type CommandName } from './registry.js';
import type { GlobalOptions } from './session.js';
import { PACKAGE_ROOT } from './target.js';

const GLOBAL_OPTIONS: CommandUsage['options'] = [
  ['--url <peer>', 'reach the peer at this URL, host:port or port instead of that of a config'],
  ['--bucket <name>', 'the bucket to work on (default: "default")'],
  ['--timeout <ms>', 'how long to wait for the connection and for each answer (default: 10000)'],
  ['--json', 'print one JSON document, or one a line where results come as a stream'],
];

const AFTER_HELP = `
The config comes first: a path, or the name of a file in configs/ under the working
directory or beside cli.js, with or without .json. RUMEUR_URL in the environment does
what --url does.

Examples:
  rumeur config1 start
  rumeur config1 set Ville Lyon
  rumeur config2 get Ville
  rumeur --url localhost:3003 keys
  rumeur config1 import data.ndjson

Exit codes: 0 done, 1 not found, 2 wrong usage or config, 3 peer not reachable,
4 refused, 5 timed out.`;

/** Commands that are about no bucket, or always about all of them. */
const WITHOUT_BUCKET: ReadonlySet<CommandName> = new Set([
  'addPeer',
  'removePeer',
  'getPeers',
  'buckets',
  'wait',
]);

/** Whether commands take the global option of this name at all. */
function takes(name: CommandName, flags: string): boolean {
  if (name === 'start' || STANDALONE.has(name)) return flags === '--json';
  return !flags.startsWith('--bucket') || !WITHOUT_BUCKET.has(name);
}

/** The parser of one command. */
function commandOf(name: CommandName, { usage }: CommandModule): Command {
  const placeholder = name === 'start' ? '<config> ' : STANDALONE.has(name) ? '' : '<config>|--url <peer> ';
  const command = plain(new Command(`rumeur ${placeholder}${name}`));
  command.description([COMMANDS[name].summary, usage.details.replaceAll('\n', ' ')].join('\n\n'));
  const aliases: readonly string[] = COMMANDS[name].aliases;
  for (const [argument, text] of usage.arguments) command.argument(argument, text);
  for (const [flags, text] of usage.options ?? []) command.option(flags, text);
  for (const [flags, text] of GLOBAL_OPTIONS ?? []) if (takes(name, flags)) command.option(flags, text);
  const also = aliases.length === 0 ? '' : `\nAlso: ${aliases.join(', ')}\n`;
  const examples = usage.examples.map((example) => `  rumeur ${example}`).join('\n');
  return command.addHelpText('after', `${also}\nExamples:\n${examples}`);
}

/** No exit and no output of commander's own. */
function plain(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
    .helpOption('-h, --help', 'show this help');
}

export async function helpText(name: CommandName | undefined): Promise<string> {
  if (name !== undefined) {
    const { command } = await COMMANDS[name].load();
    return withHelp(commandOf(name, command));
  }
  const program = plain(new Command('rumeur'))
    .usage('<config> <command> [arguments]')
    .description('A peer-to-peer gossip database over Socket.IO.')
    .helpCommand('help [command]', 'show what a command does')
    .option('-V, --version', 'print the version');
  for (const [flags, text] of GLOBAL_OPTIONS ?? []) program.option(flags, text);
  for (const [listed, { aliases, summary, load }] of commandEntries()) {
    const { command } = await load();
    const shown = program
      .command(listed)
      .description(summary)
      .aliases([...aliases]);
    for (const [argument] of command.usage.arguments) shown.argument(argument);
  }
  return withHelp(program.addHelpText('after', AFTER_HELP));
}

/** Commander would show the first alias only. */
const termOf = (command: Command): string =>
  [[command.name(), ...command.aliases()].join('|'), command.usage()].join(' ').replace(' [options]', '');

/** `helpInformation` would leave out what `addHelpText` added. */
async function withHelp(command: Command): Promise<string> {
  const { pc } = await import('./colors.js');
  let text = '';
  command
    .configureOutput({ writeOut: (part) => (text += part) })
    .configureHelp({ styleTitle: (title) => pc.bold(title), subcommandTerm: termOf })
    .outputHelp();
  return text;
}

/** Parses what stands after config and command. @throws RumeurError `ARGUMENT_INVALID` */
export function parseCommand(
  name: CommandName,
  module: CommandModule,
  rest: readonly string[],
): { args: readonly (string | undefined)[]; options: Record<string, unknown>; globals: GlobalOptions } {
  const command = commandOf(name, module).action(() => undefined);
  try {
    command.parse([...rest], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    throw usageError(name, thrown);
  }
  const options = command.opts<Record<string, unknown>>();
  // The words of a last argument that may be repeated come as a list of their own.
  const args = (command.processedArgs as (string | undefined | string[])[]).flat();
  return { args, options, globals: globalsOf(options) };
}

/** Commands whose words are no keys, values or ids. */
const WITHOUT_WORDS: ReadonlySet<CommandName> = new Set([
  'start',
  'import',
  'export',
  'addPeer',
  'getPeers',
  'buckets',
  'status',
  'wait',
  'simulate',
]);

function usageError(name: CommandName, error: CommanderError): RumeurError {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? '')?.[1];
  const beginsWithDash = error.code === 'commander.unknownOption' && !WITHOUT_WORDS.has(name);
  const hint = beginsWithDash
    ? `write -- after the options, and then a key, value or id that begins with a dash; rumeur help ${name} lists the options`
    : `rumeur help ${name} shows how it goes`;
  return new RumeurError('ARGUMENT_INVALID', `${name}: ${first}`, {
    cause: error,
    hint: meant === undefined ? hint : `did you mean ${meant}? ${hint}`,
  });
}

const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_TIMEOUT_MS = 3_600_000;

function globalsOf(options: Readonly<Record<string, unknown>>): GlobalOptions {
  const { timeout, bucket, url, json } = options;
  const timeoutMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : Number(timeout);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST_TIMEOUT_MS) {
    throw new RumeurError(
      'ARGUMENT_INVALID',
      `--timeout ${JSON.stringify(timeout)} is no number of milliseconds`,
      {
        hint: 'write a whole number from 1 to 3600000, such as --timeout 30000',
      },
    );
  }
  return {
    json: json === true,
    bucket: typeof bucket === 'string' ? bucket : undefined,
    url: typeof url === 'string' ? url : undefined,
    timeoutMs,
  };
}

export function version(): string {
  const { version: text } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return text;
}
