// npm start [-- <config>...]: builds if needed, then runs the peers of these configs in this terminal. Default: three.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const inPackage = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function isBuilt() {
  const sources = ['src', 'cli'].flatMap((folder) =>
    readdirSync(inPackage(folder), { recursive: true }).map((file) => inPackage(`${folder}/${file}`)),
  );
  const built = changedAt(inPackage('dist/.tsbuildinfo'));
  return built > 0 && sources.every((source) => changedAt(source) <= built);
}

if (!isBuilt()) {
  const { status } = spawnSync(process.execPath, [inPackage('scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const { errorText } = await import('../dist/cli/output.js');
const { exitCodeOf } = await import('../dist/cli/exit-codes.js');
const { runLocalCluster } = await import('../dist/cli/local-cluster.js');
const named = process.argv.slice(2);
try {
  process.exitCode = await runLocalCluster(named.length > 0 ? named : ['config1', 'config2', 'config3']);
} catch (error) {
  if (error?.code === undefined) throw error;
  console.error(errorText(error));
  process.exitCode = exitCodeOf(error.code);
}
