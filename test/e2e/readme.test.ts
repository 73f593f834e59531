import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../tools/eventually.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env['RUMEUR_NODE'] ?? process.execPath;
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** Commands that are only looked up: each is run elsewhere. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci':
    'it is how every run of these tests begins, and here it would pull node_modules from under the others',
  'npm test': 'that is us',
  'npm run demo': 'it takes minutes, and judges itself by its exit code',
  'npm run bench': 'it takes minutes and wants a quiet machine; it promises figures, not a result',
};

/** Commands that go on until they are interrupted, and what they print when they are ready. */
const ENDLESS: readonly (readonly [command: RegExp, ready: string])[] = [
  [/^npm start$/, 'all 3 peers are connected'],
  [/^node cli\.js config4\.json start$/, 'ready config4 '],
  [/^node cli\.js policies start$/, 'ready policies '],
];

/** The ports of the shipped configs and of the README's further peers. */
const PORTS = [3001, 3002, 3003, 3004, 3005, 3011];

interface Step {
  readonly kind: 'command' | 'program';
  readonly line: number;
  /** One command line, or a whole program. */
  readonly text: string;
  /** The lines that it says it prints, in its comments; `undefined` when it says nothing. */
  readonly prints: readonly string[] | undefined;
}

/** Everything in the README that a reader can run, in order. */
const steps = [...README.matchAll(/^```(sh|js)\n(.*?)^```$/gms)].flatMap((block): Step[] => {
  const [, language, code = ''] = block;
  const line = README.slice(0, block.index).split('\n').length + 1;
  if (language === 'js') return [{ kind: 'program', line, text: code, prints: printedBy(code) }];
  return code.split('\n').flatMap((text, i) => (text === '' ? [] : commandsOf(text, line + i)));
});

function commandsOf(text: string, line: number): Step[] {
  const comment = / # (.*)$/.exec(text)?.[1];
  const prints = comment === undefined ? undefined : [comment];
  return text.split(' && ').map((part) => ({ kind: 'command', line, text: part, prints }));
}

/** `console.log(...); // what it prints` */
function printedBy(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text = '']) => text);
}

/** A folder as a fresh clone has it after `npm ci`: what the README writes does not end up in somebody's data. */
const clone = mkdtempSync(join(tmpdir(), 'rumeur-readme-'));
const running: ChildProcess[] = [];

/** Without what npm has told us about the checkout: the npm that is started here must find its own. */
const env: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'RUMEUR_URL'),
);
env['PATH'] = `${dirname(NODE)}${delimiter}${process.env['PATH'] ?? ''}`;

beforeAll(async () => {
  for (const port of PORTS) await assertFree(port);
  const isLeftOut = (path: string): boolean =>
    /(^|[/\\])(\.git|\.rumeur|node_modules|coverage|api)$/.test(relative(ROOT, path)) &&
    !path.endsWith(join('src', 'api'));
  cpSync(ROOT, clone, { recursive: true, preserveTimestamps: true, filter: (path) => !isLeftOut(path) });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'), 'junction');
}, 60_000);

afterAll(() => {
  for (const child of running) signal(child, 'SIGKILL');
  rmSync(clone, { recursive: true, force: true, maxRetries: 3 });
});

async function assertFree(port: number): Promise<void> {
  const server = createServer();
  const [event] = await Promise.race([
    once(server.listen(port, '127.0.0.1'), 'listening').then(() => ['listening']),
    once(server, 'error').then(() => ['error']),
  ]);
  if (event === 'error') {
    throw new Error(`port ${port}, which the README uses, is taken: stop what listens there and test again`);
  }
  server.close();
  await once(server, 'close');
}

interface Run {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
}

/** In a process group of its own, as in a terminal. */
function run(command: string): Run {
  const child = spawn(command, {
    shell: true,
    cwd: clone,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return { child, output };
}

function signal({ pid, exitCode, signalCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, name);
}

/** Runs to the end; it must succeed. */
async function finish(command: string): Promise<string> {
  const { child, output } = run(command);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`exit code ${String(code)}: ${output.stderr}`);
  return output.stdout;
}

async function begin(command: string, ready: string): Promise<void> {
  const { child, output } = run(command);
  const isReady = await eventually(
    `it prints '${ready}'`,
    () => output.stdout.includes(ready) || (child.exitCode !== null && 'ended'),
    { withinMs: 60_000 },
  );
  if (isReady === 'ended')
    throw new Error(`ended with ${String(child.exitCode)}: ${output.stdout}${output.stderr}`);
}

/** What it prints may depend on a write that is still on its way from another peer: then it is asked again. */
async function printsIt(command: string, expected: string): Promise<void> {
  await eventually(`it prints '${expected}'`, async () => {
    const stdout = await finish(command);
    if (stdout !== `${expected}\n`) throw new Error(`it printed ${JSON.stringify(stdout)}`);
    return true;
  });
}

async function perform({ kind, text, line, prints }: Step): Promise<void> {
  if (kind === 'program') {
    const file = `readme-${line}.mjs`;
    writeFileSync(join(clone, file), text);
    expect((await finish(`node ${file}`)).trimEnd().split('\n')).toEqual(prints);
    return;
  }
  const endless = ENDLESS.find(([pattern]) => pattern.test(text));
  if (endless !== undefined) await begin(text, endless[1]);
  else if (prints?.[0] !== undefined) await printsIt(text, prints[0]);
  else await finish(text);
}

/** The script that an npm command names, with the file that it runs. */
function assertScript(command: string): void {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const name = command.split(' ').at(-1) ?? '';
  const file = /^node (\S+)/.exec(scripts[name] ?? '')?.[1];
  if (name === 'ci') expect(existsSync(join(ROOT, 'package-lock.json'))).toBe(true);
  else expect(scripts).toHaveProperty(name);
  if (file !== undefined && !existsSync(join(ROOT, file)))
    throw new Error(`${command} runs ${file}, which is missing`);
}

describe('the README, line by line', () => {
  test('has something to run, and no exception for what is not in it', () => {
    const commands = steps.map(({ text }) => text);
    expect(steps.filter(({ kind }) => kind === 'program').length).toBeGreaterThanOrEqual(2);
    expect(commands).toEqual(expect.arrayContaining([...Object.keys(NOT_RUN), 'npm start']));
    expect(README).not.toMatch(/^```(shell|bash|console|javascript|ts)$/m);
  });

  for (const step of steps) {
    const why = step.kind === 'command' ? NOT_RUN[step.text] : undefined;
    const shown = step.kind === 'program' ? 'the program' : step.text;
    if (why === undefined) test(`line ${step.line}: ${shown}`, () => perform(step), 90_000);
    else test(`line ${step.line}: ${shown} exists; not run, as ${why}`, () => assertScript(step.text));
  }

  test('Ctrl-C ends what it has started', async () => {
    const open = running.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    expect(open).toHaveLength(ENDLESS.length);
    const ends = open.map((child) => once(child, 'close'));
    for (const child of open) signal(child, 'SIGINT');
    await Promise.all(ends);
    for (const port of PORTS) await assertFree(port);
  });
});
