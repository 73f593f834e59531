// Compiles TypeScript to dist/. A package unpacked from a tarball brings its dist/ along and has no sources to build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

if (existsSync(new URL('../tsconfig.build.json', import.meta.url))) {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
