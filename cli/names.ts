import { print, shownName } from './output.js';

/** Names as they come, a line each, or as JSON in one array. */
export async function printNames(pages: AsyncIterable<readonly string[]>, json: boolean): Promise<void> {
  let separator = '';
  if (json) await print('[');
  for await (const names of pages) {
    if (names.length === 0) continue;
    if (json) await print(separator + names.map((name) => JSON.stringify(name)).join(','));
    else await print(names.map((name) => `${shownName(name)}\n`).join(''));
    separator = ',';
  }
  if (json) await print(']\n');
}
