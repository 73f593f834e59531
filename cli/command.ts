import type { Session } from './session.js';

/** How a command is written; the help is made from it. */
export interface CommandUsage {
  /** `<name>` is required, `[name]` optional, a last `<name...>` or `[name...]` may be repeated. */
  readonly arguments: readonly (readonly [name: string, text: string])[];
  readonly options?: readonly (readonly [flags: string, text: string])[];
  /** Sentences between the first line of the help and the options. */
  readonly details: string;
  /** What goes after `rumeur`. */
  readonly examples: readonly string[];
}

/** What a command gets. Options of the command itself are in `options`, those of all commands in `session`. */
export interface CommandContext {
  readonly arguments: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly session: Session;
}

export interface CommandModule {
  readonly usage: CommandUsage;
  /** Resolves with the exit code, nothing meaning 0. @throws RumeurError */
  run(context: CommandContext): Promise<number | undefined>;
}

/** The argument at `index`, which the usage says is required. */
export function required(context: CommandContext, index: number): string {
  const value = context.arguments[index];
  if (value === undefined) throw new Error(`invariant broken: argument ${index} is declared as required`);
  return value;
}

/** The arguments from `index` on, of which the usage says that there may be several. */
export const rest = ({ arguments: words }: CommandContext, index: number): string[] =>
  words.slice(index).filter((word) => word !== undefined);

export function textOption(context: CommandContext, name: string): string | undefined {
  const value = context.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The option `--context` as the events take it. */
export function contextOption(context: CommandContext): { context?: string } {
  const text = textOption(context, 'context');
  return text === undefined ? {} : { context: text };
}
