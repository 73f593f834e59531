// Breaks simulated clusters, seed after seed: `npm run simulate:long -- --help`. The code is in test/simulation/long/,
// compiled to dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/test/simulation/long/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('simulate:long: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
