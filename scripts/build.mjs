// Makes dist/ of the sources. A package unpacked from a tarball brings its dist/ along and has no sources to build.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUNDLE = `${ROOT}dist/bin`;

/**
 * What cli.js runs: our 200 modules as a few files, one for what each command alone needs, because Node opens, resolves
 * and links each module on its own. The packages we depend on stay outside, so that they can be updated without us.
 */
async function bundleCommands() {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['cli/main.ts'],
    outdir: BUNDLE,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
  });
  const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
  for (const file of readdirSync(BUNDLE)) if (!made.has(file)) rmSync(`${BUNDLE}/${file}`);
}

/** Every module on its own, with its types: the library, and what the tests, the demo and the benchmark run. */
function compileAll() {
  const tsc = createRequire(import.meta.url)
    .resolve('typescript-7/package.json')
    .replace('package.json', 'bin/tsc');
  return (
    spawnSync(process.execPath, [tsc, '-p', `${ROOT}tsconfig.build.json`], { stdio: 'inherit' }).status ?? 1
  );
}

if (existsSync(`${ROOT}tsconfig.build.json`)) {
  await bundleCommands();
  process.exitCode = compileAll();
}
