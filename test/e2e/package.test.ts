import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** What a user gets: the packed tarball, installed into an empty project. */
describe('the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rumeur-package-'));
  const project = join(folder, 'project');
  const bin = join(project, 'node_modules', '.bin', 'rumeur');
  let packed: string[] = [];

  beforeAll(async () => {
    // The build is there already, and other tests run from it: it is not made again.
    const { stdout } = await run(
      'npm',
      ['pack', '--ignore-scripts', '--pack-destination', folder, '--json'],
      { cwd: ROOT },
    );
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    packed = files.map(({ path }) => path);
    mkdirSync(project);
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ name: 'empty', private: true, type: 'module' }),
    );
    await run(
      'npm',
      ['install', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline', join(folder, filename)],
      {
        cwd: project,
      },
    );
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds what runs and what is read, and nothing else', () => {
    const top = (paths: readonly string[]): string[] =>
      [...new Set(paths.map((path) => path.split('/')[0] ?? ''))].sort();
    expect(top(packed)).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'cli.js', 'configs', 'dist', 'docs', 'package.json'].sort(),
    );
    const inDist = packed
      .filter((path) => path.startsWith('dist/'))
      .map((path) => path.slice('dist/'.length));
    expect(top(inDist)).toEqual(['bin', 'src']);
    expect(packed.filter((path) => /test|\.tsbuildinfo|bench/.test(path))).toEqual([]);
  });

  test('works as a library', async () => {
    writeFileSync(
      join(project, 'library.js'),
      `import { Peer, RumeurError, VERSION } from 'rumeur';
       const one = await Peer.open({ port: 0, name: 'one', log: { level: 'warn' } });
       const two = await Peer.open({ port: 0, name: 'two', peers: [one.url], log: { level: 'warn' } });
       const changes = two.watch({ prefix: 'V' });
       await one.set('Ville', 'Lyon');
       const { value: change } = await changes.next();
       console.log(JSON.stringify([VERSION, change.key, change.value, await two.get('Ville')]));
       await one.set('', 1).catch((error) => console.log(error instanceof RumeurError, error.code));
       await two.close();
       await one.close();`,
    );
    const { stdout } = await run(process.execPath, ['library.js'], { cwd: project });
    expect(stdout).toBe('["0.1.0","Ville","Lyon","Lyon"]\ntrue KEY_EMPTY\n');
  });

  test('brings its types', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { Peer, type Json, type PeerInfo, type Status } from 'rumeur';
       const peer: Peer = await Peer.open({ port: 0, peers: ['localhost:3002', 3003] });
       const value: Json | undefined = await peer.get('k');
       const peers: PeerInfo[] = peer.getPeers();
       const status: Status = peer.status();
       for await (const change of peer.watch({ prefix: 'V' })) if (change.deleted) break;
       // @ts-expect-error a port is needed
       await Peer.open({});
       export { value, peers, status };`,
    );
    // The strictest reader: no types of Node at hand, and libraries checked too.
    const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module: 'nodenext', types: [] };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
    const { stdout } = await run(process.execPath, [TSC, '-p', '.'], { cwd: project }).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  }, 60_000);

  test('works as the rumeur command', async () => {
    expect((await run(bin, ['--version'], { cwd: project })).stdout).toBe('0.1.0\n');
    writeFileSync(join(project, 'solo.json'), JSON.stringify({ port: 0, log: { level: 'warn' } }));
    const peer = spawn(bin, ['solo.json', 'start'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(peer.stdout, 'data')) as [Buffer];
    const url = String(line).split(' ')[2] ?? '';
    expect((await run(bin, ['--url', url, 'set', 'MonChamp', '42'])).stdout).toBe('OK\n');
    expect((await run(bin, ['--url', url, 'get', 'MonChamp'])).stdout).toBe('42\n');
    peer.kill('SIGTERM');
    expect(await once(peer, 'exit')).toEqual([0, null]);
  });
});
