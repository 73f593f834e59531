// Measures the storage engines beside each other: `npm run bench:engines -- --help`. The code is in bench/engines/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/bench/engines/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('bench:engines: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
