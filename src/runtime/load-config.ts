import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { RumeurError } from '../base/errors.js';
import { parseConfig, type Config, type ConfigInput } from '../config/config.js';

/** Nobody writes such a config by hand; a data file given by mistake is not read into memory. */
const LARGEST_FILE = 1_048_576;

/**
 * A config with its paths absolute, from a file's path (relative paths in it are relative to the file, the
 * name defaults to the file's) or from an object (relative to `cwd`).
 * @throws RumeurError `CONFIG_INVALID` when the file cannot be read, is no JSON or has wrong fields
 */
export async function loadConfig(from: string | ConfigInput, cwd: string = process.cwd()): Promise<Config> {
  if (typeof from !== 'string') return absolute(parseConfig(from), cwd);
  const path = resolve(cwd, from);
  const input = parseJson(await readText(path), from);
  return absolute(parseConfig(await input, from, nameOf(path)), dirname(path));
}

const absolute = (config: Config, base: string): Config => ({
  ...config,
  dataDir: resolve(base, config.dataDir),
});

/** The file's name without `.json`, with a dash for what a name cannot hold. */
function nameOf(path: string): string {
  const plain = basename(path)
    .replace(/\.json$/i, '')
    .replace(/[\s\p{Cc}\\:]/gu, '-');
  return plain.slice(0, 64) || 'peer';
}

async function readText(path: string): Promise<string> {
  const bytes = await read(path);
  try {
    // A byte order mark is tolerated: the decoder drops it.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RumeurError('CONFIG_INVALID', `${path}: not UTF-8`, { cause, hint: 'save it as UTF-8' });
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size <= LARGEST_FILE) return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? message;
    throw new RumeurError('CONFIG_INVALID', `${path}: ${reason}`, { cause, hint: 'name a config file' });
  }
  throw new RumeurError('CONFIG_INVALID', `${path}: too large for a config`, { hint: 'name a config file' });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EISDIR: 'a folder, not a file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
};

async function parseJson(text: string, source: string): Promise<unknown> {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const { message, position } = await locate(text, cause);
    const before = text.slice(0, position).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new RumeurError(
      'CONFIG_INVALID',
      `${source}: line ${before.length}, column ${column}: ${message}`,
      {
        cause,
        hint: 'a config is plain JSON: double quotes, no comments, no comma after the last member',
      },
    );
  }
}

/** Node's own message has no position for half of the mistakes. Loaded only when there is one. */
async function locate(text: string, cause: unknown): Promise<{ message: string; position: number }> {
  const { parse } = await import('lossless-json');
  try {
    parse(text);
  } catch (thrown) {
    const found = /^([^]*) at position (\d+)$/.exec(thrown instanceof Error ? thrown.message : '');
    if (found?.[1] !== undefined) {
      return { message: found[1].replaceAll('\n', '\\n'), position: Number(found[2]) };
    }
  }
  return { message: cause instanceof Error ? cause.message : String(cause), position: 0 };
}
