import { accessSync, constants, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

/** Where stores are put that are to be struck: in memory where that is possible, as thousands of syncs cost nothing there. */
export function scratch(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    // There is none here, or not for us.
    return tmpdir();
  }
}
