// Twenty real peers in one mesh, calm and under kill -9: `npm run cluster -- --help`. The code is in test/e2e/cluster/,
// compiled to dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/test/e2e/cluster/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('cluster: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
