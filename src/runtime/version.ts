import { existsSync, readFileSync } from 'node:fs';

/** From the sources, and from dist/. */
const CANDIDATES = ['../../package.json', '../../../package.json'];

function readVersion(): string {
  const file = CANDIDATES.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
  if (!file) throw new Error('the package.json of rumeur is missing');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The version of this package. */
export const VERSION = readVersion();
