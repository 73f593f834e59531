import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';

/** How to see that a tool is there and may do its work; @returns why it may not, `undefined` when all is well */
type Check = () => string | undefined;

const CHECKS: Readonly<Record<string, Check>> = {
  // Also whether this machine lets one process trace another, and whether this strace knows how to inject.
  strace: () =>
    failureOf('strace', ['-f', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO:when=9999', 'true']),
  faketime: () => failureOf('faketime', ['-f', '+1h', 'true']),
};
const INSTALL_MS = 120_000;
const known = new Map<string, string | undefined>();

/**
 * Looks for a tool, and installs its package of the same name where that is possible: as root on Debian.
 * @returns why it is missing; `undefined` when it is there
 */
export function missingTool(name: string): string | undefined {
  if (!known.has(name)) known.set(name, look(name));
  return known.get(name);
}

function look(name: string): string | undefined {
  const check = CHECKS[name];
  if (!check) return `nobody knows how to look for ${name}`;
  const failure = check();
  if (!failure?.startsWith(NOT_FOUND)) return failure;
  if (process.getuid?.() !== 0) return `${name} is not installed (Debian: apt-get install ${name})`;
  process.stderr.write(`torture: installing ${name} from Debian\n`);
  const install = (): string | undefined =>
    failureOf('apt-get', ['install', '-y', '--no-install-recommends', name]);
  if (install() !== undefined) {
    failureOf('apt-get', ['update']);
    const why = install();
    if (why !== undefined) return `${name} is not installed, and cannot be: ${why}`;
  }
  return check();
}

const NOT_FOUND = 'not found';

function failureOf(command: string, words: readonly string[]): string | undefined {
  const options = { encoding: 'utf8', timeout: INSTALL_MS, cwd: tmpdir() } as const;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { error, status, signal, stderr } = spawnSync(command, words, { ...options, env });
  if (error && 'code' in error && error.code === 'ENOENT') return `${NOT_FOUND}: ${command}`;
  if (status === 0) return undefined;
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return `${command} does not work here: ${error?.message ?? `${String(signal ?? status)} ${last}`}`;
}
