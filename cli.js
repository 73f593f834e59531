#!/usr/bin/env node
// The launcher: the commands live in cli/, bundled into dist/bin/ by `npm ci`.
import { existsSync } from 'node:fs';

const main = new URL('./dist/bin/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('rumeur: not built yet; run `npm ci` (or `npm run build`) first');
  process.exit(2);
}
const { main: run } = await import(main.href);
await run(process.argv.slice(2));
