import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

class Demo {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  stdout = '';
  stderr = '';

  constructor(tmp: string, argv: readonly string[]) {
    const child = spawn(process.execPath, [DEMO, ...argv], {
      env: { ...process.env, TMPDIR: tmp },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  async code(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** The process ids of the peers started so far. */
  get pids(): number[] {
    return [...this.stdout.matchAll(/runs at \S+, process (\d+)/g)].map(([, pid]) => Number(pid));
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('npm run demo', () => {
  let tmp: string;
  let demo: Demo;
  beforeEach(async () => {
    tmp = await mkdtemp(join(tmpdir(), 'rumeur-test-'));
  });
  afterEach(async () => {
    await demo.end();
    await rm(tmp, { recursive: true, force: true });
  });

  test('tells its story: four peers, one state, and nothing left behind', async () => {
    demo = new Demo(tmp, ['--records', '20000']);
    expect([await demo.code(), demo.stderr]).toEqual([0, expect.not.stringContaining('demo:')]);
    expect(demo.stdout).toMatch(/kill -9 peer3 after [\d,]+ cities/);
    expect(demo.stdout).toMatch(/peer4 joins at/);
    const rows = [...demo.stdout.matchAll(/^(peer\d) +([\d,]+) +([0-9a-f]{32}) /gm)];
    expect(rows.map(([, name]) => name)).toEqual(['peer1', 'peer2', 'peer3', 'peer4']);
    expect(rows.map(([, , keys]) => keys)).toEqual(Array.from({ length: 4 }, () => '19,980'));
    expect(new Set(rows.map(([, , , hash]) => hash)).size).toBe(1);
    expect(demo.stdout).toContain('CC BY 4.0');
    expect(demo.stdout).not.toContain('\u001b');
    expect(await readdir(tmp)).toEqual([]);
  }, 90_000);

  test('a peer that dies unexpectedly is an error, and everything is cleared away', async () => {
    demo = new Demo(tmp, []);
    await eventually('three peers run', () => demo.pids.length === 3);
    process.kill(demo.pids[1] ?? 0, 'SIGKILL');
    expect(await demo.code()).toBe(1);
    expect(demo.stderr).toContain('demo: peer2 died unexpectedly (SIGKILL)');
    await eventually('no peer is left', () => !demo.pids.some(isAlive));
    expect(await readdir(tmp)).toEqual([]);
  }, 60_000);

  test('Ctrl-C clears everything away', async () => {
    demo = new Demo(tmp, []);
    await eventually('three peers run', () => demo.pids.length === 3);
    demo.interrupt();
    expect(await demo.code()).toBe(130);
    await eventually('no peer is left', () => !demo.pids.some(isAlive));
    expect(await readdir(tmp)).toEqual([]);
  }, 60_000);
});
