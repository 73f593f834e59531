import { RumeurError } from '../src/base/errors.js';
import { resolveCommand, STANDALONE, type CommandName } from './registry.js';

/** What a command line asks for, before the command's own arguments are looked at. */
export type Invocation =
  | { readonly kind: 'usage' }
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly command: CommandName | undefined }
  | { readonly kind: 'unknown'; readonly word: string }
  /** One word that is no command: a config without a command, or a mistyped command. */
  | { readonly kind: 'incomplete'; readonly word: string }
  | {
      readonly kind: 'run';
      /** `undefined`: the peer is named by `--url` or the environment. */
      readonly config: string | undefined;
      readonly command: CommandName;
      /** The command's arguments and all options. */
      readonly rest: readonly string[];
    };

/** Options whose value is the next word, so that it is not taken for the config or the command. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  '--url',
  '--bucket',
  '--timeout',
  '--file',
  '--format',
  '--context',
]);

interface Words {
  /** Where the words stand that are no options. */
  readonly positions: readonly number[];
  readonly options: ReadonlySet<string>;
}

function wordsOf(argv: readonly string[]): Words {
  const positions: number[] = [];
  const options = new Set<string>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') return { positions: [...positions, ...range(at + 1, argv.length)], options };
    if (!word.startsWith('-') || word === '-') positions.push(at);
    else {
      options.add(word.split('=', 1)[0] ?? word);
      if (WITH_VALUE.has(word)) at++;
    }
  }
  return { positions, options };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/**
 * Takes the config, which comes first, and the command out of the arguments.
 * @param defaultUrl `RUMEUR_URL` of the environment
 * @throws RumeurError `ARGUMENT_INVALID`
 */
export function parseArgv(argv: readonly string[], defaultUrl: string | undefined): Invocation {
  const { positions, options } = wordsOf(argv);
  const [firstAt = -1, secondAt = -1, thirdAt = -1] = positions;
  const [first, second, third] = [argv[firstAt], argv[secondAt], argv[thirdAt]];
  const wantsHelp = options.has('--help') || options.has('-h');
  if (first === undefined) {
    if (wantsHelp) return { kind: 'help', command: undefined };
    return { kind: options.has('--version') || options.has('-V') ? 'version' : 'usage' };
  }
  if (first === 'help') return helpFor(second);
  const command = resolveCommand(first);
  const commandAfterConfig = second === undefined ? undefined : resolveCommand(second);
  if (command !== undefined && wantsHelp) return { kind: 'help', command };
  if (command !== undefined && STANDALONE.has(command)) {
    return { kind: 'run', config: undefined, command, rest: without(argv, [firstAt]) };
  }
  const namedByUrl = options.has('--url') || (defaultUrl !== undefined && command !== 'start');
  if (command !== undefined && (namedByUrl || commandAfterConfig === undefined)) {
    if (!namedByUrl) throw configMissing(command);
    return { kind: 'run', config: undefined, command, rest: without(argv, [firstAt]) };
  }
  if (second === undefined) {
    if (wantsHelp) return { kind: 'help', command: undefined };
    return options.has('--version') ? { kind: 'version' } : { kind: 'incomplete', word: first };
  }
  if (second === 'help') return helpFor(third);
  if (commandAfterConfig === undefined) return { kind: 'unknown', word: second };
  if (wantsHelp) return { kind: 'help', command: commandAfterConfig };
  if (STANDALONE.has(commandAfterConfig)) {
    const hint = ['rumeur', ...without(argv, [firstAt])].join(' ');
    const message = `${commandAfterConfig} is about no peer, and takes no config (${JSON.stringify(first)})`;
    throw new RumeurError('ARGUMENT_INVALID', message, { hint });
  }
  if (options.has('--url')) {
    throw new RumeurError('ARGUMENT_INVALID', `both a config (${first}) and --url name the peer`, {
      hint: 'leave out one of the two',
    });
  }
  return {
    kind: 'run',
    config: first,
    command: commandAfterConfig,
    rest: without(argv, [firstAt, secondAt]),
  };
}

const without = (argv: readonly string[], positions: readonly number[]): string[] =>
  argv.filter((_, at) => !positions.includes(at));

function helpFor(word: string | undefined): Invocation {
  if (word === undefined) return { kind: 'help', command: undefined };
  const command = resolveCommand(word);
  return command === undefined ? { kind: 'unknown', word } : { kind: 'help', command };
}

function configMissing(command: CommandName): RumeurError {
  const hint =
    command === 'start'
      ? 'the config comes first: rumeur config1 start'
      : `the config comes first: rumeur config1 ${command} ...; or name a peer with --url http://127.0.0.1:3001`;
  return new RumeurError('ARGUMENT_INVALID', `no config before the command ${command}`, { hint });
}
