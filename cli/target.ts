import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RumeurError } from '../src/base/errors.js';
import type { ValueLimits } from '../src/api/values.js';

/** The peer that a command talks to. */
export interface Target {
  readonly url: string;
  /** What we know of the bounds of keys and values there: enough to refuse early, the peer has the last word. */
  readonly limits: ValueLimits;
  /** The config that named it, if one did. */
  readonly configPath?: string;
}

/** The folder of `cli.js`: this code runs from `cli/` or, compiled, from `dist/cli/` and `dist/bin/`. */
export const PACKAGE_ROOT: string = [1, 2]
  .map((levels) => resolve(dirname(fileURLToPath(import.meta.url)), ...Array<string>(levels).fill('..')))
  .reduce((near, far) => (existsSync(join(near, 'cli.js')) ? near : far));

/**
 * Finds a config: a path, or the name of a file in `configs/` under the working directory or beside `cli.js`;
 * with or without `.json`.
 * @throws RumeurError `CONFIG_INVALID` saying where it was looked for
 */
export function findConfig(name: string, cwd: string = process.cwd(), root: string = PACKAGE_ROOT): string {
  const tried = placesOf(name, cwd, root);
  const found = tried.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (found !== undefined) return found;
  const places = tried.map((path) => (isAbsolute(name) ? path : shorter(path, cwd))).join(', ');
  throw new RumeurError('CONFIG_INVALID', `no config ${JSON.stringify(name)}; looked for ${places}`, {
    hint: 'write one, such as { "port": 3001 }, or name another',
  });
}

function placesOf(name: string, cwd: string, root: string): string[] {
  const isPath = /[/\\]|^\.{1,2}$/.test(name);
  const folders = isPath ? [cwd] : [cwd, join(cwd, 'configs'), join(root, 'configs')];
  // A folder has no extension.
  const names = /\.json$|(^|[/\\])\.{0,2}$/i.test(name) ? [name] : [name, `${name}.json`];
  return [...new Set(folders.flatMap((folder) => names.map((one) => resolve(folder, one))))];
}

function shorter(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith('..') ? path : below || '.';
}

const LARGEST: ValueLimits = { keyBytes: 1024, valueBytes: 8_388_608, valueDepth: 1024 };
const USUAL: ValueLimits = { keyBytes: 1024, valueBytes: 1_048_576, valueDepth: 256 };

/** A peer named by its URL, `host:port` or port. @throws RumeurError `ARGUMENT_INVALID` */
export async function targetOfUrl(url: string): Promise<Target> {
  const { parsePeerUrl } = await import('../src/base/url.js');
  return { url: parsePeerUrl(url), limits: LARGEST };
}

/**
 * The peer of a config. Only the fields that matter here are looked at, as checking everything takes longer than
 * a whole `get`; when one of them is off, the full check says what is wrong.
 * @throws RumeurError `CONFIG_INVALID`
 */
export async function targetOfConfig(configPath: string): Promise<Target> {
  const quick = quickLook(configPath);
  const { host, port, limits } = quick ?? (await fullLook(configPath));
  if (port === 0) {
    throw new RumeurError(
      'CONFIG_INVALID',
      `${configPath}: with port 0 the system chose one when the peer started`,
      {
        hint: 'name the peer by the URL of its ready line: --url http://127.0.0.1:<port>',
      },
    );
  }
  return { url: urlOf(host, port), limits, configPath };
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly limits: ValueLimits;
}

function quickLook(path: string): Place | undefined {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  if (typeof config !== 'object' || config === null) return undefined;
  const { host = '127.0.0.1', port, limits = {} } = config as Record<string, unknown>;
  if (typeof host !== 'string' || typeof port !== 'number' || !Number.isInteger(port)) return undefined;
  if (port < 0 || port > 65_535 || typeof limits !== 'object' || limits === null) return undefined;
  const known = { ...USUAL, ...(limits as Partial<ValueLimits>) };
  return Object.values(known).every(Number.isInteger) ? { host, port, limits: known } : undefined;
}

async function fullLook(path: string): Promise<Place> {
  const { loadConfig } = await import('../src/runtime/load-config.js');
  return loadConfig(path);
}

/** Where the machine itself reaches what listens on `host`. */
export function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
