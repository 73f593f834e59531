import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { RumeurError } from '../base/errors.js';

/** One thing that is wrong: where, and in words what was found and what was expected. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  /** What to do about it, where that is more than correcting the field. */
  readonly hint?: string;
}

/** `gossip.antiEntropyMs[1]`; the config as a whole is ``. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      const name = String(step);
      return /^[\w$-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    })
    .join('')
    .replace(/^\./, '');
}

/** Marks a custom issue whose message already says what was found and what was expected. */
export const WHOLE_SENTENCE = 'wholeSentence';

const LONGEST_SHOWN = 60;

/** A value as a person would recognise it in the file, shortened. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  const text = JSON.stringify(value);
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}...`;
}

/** The problems behind what zod reports. @param schema where the known names are looked up */
export function problemsOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodType): Problem[] {
  let json: JsonSchema | undefined;
  return issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      json ??= z.toJSONSchema(schema, { io: 'input' });
      const known = namesAt(json, issue.path);
      return issue.keys.map((name) => ({ path: [...issue.path, name], text: unknownText(name, known) }));
    }
    if (issue.code === 'invalid_key') {
      const expected = issue.issues.map(({ message }) => message).join('; ');
      return [{ path: issue.path, text: `found the name ${show(issue.input)}, expected ${expected}` }];
    }
    if (issue.code === 'custom' && issue.params?.[WHOLE_SENTENCE] === true) {
      return [{ path: issue.path, text: issue.message }];
    }
    const found = issue.input === undefined ? 'missing' : `found ${show(issue.input)}`;
    return [{ path: issue.path, text: `${found}, expected ${issue.message}` }];
  });
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

function namesAt(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  let node: JsonSchema | boolean | undefined = schema;
  for (const step of path) {
    if (typeof node !== 'object') return [];
    const properties: Record<string, JsonSchema | boolean> = node.properties ?? {};
    node = properties[String(step)] ?? node.additionalProperties;
  }
  return typeof node === 'object' ? Object.keys(node.properties ?? {}) : [];
}

function unknownText(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'unknown field';
  const nearest = closest(name.toLowerCase(), known);
  const near =
    distance(name.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, Math.floor(name.length / 3));
  return near ? `unknown field; did you mean ${nearest}?` : `unknown field; known are ${known.join(', ')}`;
}

const HINT = 'docs/CONFIG.md lists every field';

/**
 * All problems as one error; several stand one a line below the first line of the message.
 * @param source the file's name, or what it was
 */
export function configError(source: string, problems: readonly Problem[]): RumeurError {
  const lines = problems.map(({ path, text }) => (path.length === 0 ? text : `${pathText(path)}: ${text}`));
  const told =
    lines.length === 1
      ? (lines[0] ?? '')
      : [`${lines.length} problems`, ...lines.map((line) => `  ${line}`)].join('\n');
  const hint = problems.find((problem) => problem.hint !== undefined)?.hint ?? HINT;
  return new RumeurError('CONFIG_INVALID', `${source}: ${told}`, { hint });
}
