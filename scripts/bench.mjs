// Measures Rumeur beside a plain flooding peer: `npm run bench -- --help`. The code is in bench/, compiled to dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/bench/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('bench: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
