import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Node that victims run on. */
export const NODE = process.env['RUMEUR_NODE'] ?? process.execPath;

/** The folder of the package: from the sources, and from dist/. */
export const ROOT = rootAbove(dirname(fileURLToPath(import.meta.url)));

/** A compiled file of ours: processes run what is built, also those that tests in TypeScript start. */
export function compiled(file: string): string {
  const path = join(ROOT, 'dist/test/torture', file);
  if (!existsSync(path)) throw new Error(`${path} is missing; run \`npm run build\` first`);
  return path;
}

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}
