// Breaks disk, machine and clock under real peers: `npm run torture -- --help`. The code is in test/torture/,
// compiled to dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/test/torture/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('torture: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
