// Real peers under random faults: `npm run chaos`; RUMEUR_CHAOS_SECONDS (default 600) says for how long, RUMEUR_CHAOS_SEED
// repeats a plan. Where the machine allows it each peer gets a network namespace of its own; RUMEUR_CHAOS_NET=proxies
// cuts by proxies instead, as it is done elsewhere.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(new URL('../dist/bin/main.js', import.meta.url))) {
  console.error('chaos: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}

/** A namespace around everything, in which we are root: what is made in it goes with it. */
const around = ['unshare', '--net', '--map-root-user', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

function run([command, ...args], options = {}) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
}

const asked = process.env.RUMEUR_CHAOS_NET;
const isPossible =
  run([...around, 'ip', 'link', 'add', 'trial', 'type', 'veth'], { stdio: 'ignore' }).status === 0;
if (asked === 'namespaces' && !isPossible) {
  console.error('chaos: this machine allows no network namespaces; leave RUMEUR_CHAOS_NET out');
  process.exit(2);
}
const kind = asked ?? (isPossible ? 'namespaces' : 'proxies');
const jest = [
  process.execPath,
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  'test/e2e/chaos.test.ts',
];
const env = { RUMEUR_CHAOS_SECONDS: '600', ...process.env, RUMEUR_CHAOS_NET: kind };
process.exitCode = run(kind === 'namespaces' ? [...around, ...jest] : jest, { env }).status ?? 1;
