import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What decides how a seed runs: the product, the simulator and the scenarios, as they were compiled. */
const FOLDERS = ['src', 'simulator', 'test/simulation'];

/** A hash of all code in these folders of dist/, those that a run depends on: the same for the same code, wherever it lies. */
export function codeVersion(folders: readonly string[] = FOLDERS): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const hash = createHash('sha256');
  for (const folder of folders) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.js')).sort()) {
      hash.update(`${folder}/${file.replaceAll('\\', '/')}\n`);
      hash.update(readFileSync(join(root, folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}
