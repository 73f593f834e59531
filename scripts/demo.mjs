// The system telling its own story: `npm run demo -- --help`. The code is in cli/demo/, compiled to dist/.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/demo/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('demo: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
process.exitCode = await run(process.argv.slice(2));
