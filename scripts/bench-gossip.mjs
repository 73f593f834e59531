// Measures how news travels in simulated clusters: `npm run bench:gossip -- --help`. The code is in bench/gossip/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/bench/gossip/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('bench:gossip: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = run(process.argv.slice(2));
