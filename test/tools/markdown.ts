import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The heading that it stands under. */
  readonly heading: string;
}

/** Our own Markdown files: those of the root and of docs/, without what is generated. */
export function readPages(): Page[] {
  return ['.', 'docs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => {
        const file = join(ROOT, folder, name);
        return { path: relative(ROOT, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') };
      }),
  );
}

export function readPage(path: string): Page {
  const page = readPages().find((one) => one.path === path);
  if (page === undefined) throw new Error(`${path} is missing`);
  return page;
}

/** The fenced blocks, in order. */
export function blocksOf(page: Page): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; lines: string[] } | undefined;
  for (const line of page.text.split('\n')) {
    const fence = /^```(\w*)/.exec(line);
    if (fence !== null && open === undefined) open = { language: fence[1] ?? '', lines: [] };
    else if (fence !== null && open !== undefined) {
      blocks.push({ language: open.language, text: open.lines.join('\n'), heading });
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
  }
  if (open !== undefined) throw new Error(`${page.path}: a block under '${heading}' is not closed`);
  return blocks;
}

/** Everything outside of fenced blocks. */
export const proseOf = (page: Page): string => page.text.replace(/^```.*?^```$/gms, '');

/** The cells of every row of every table that has at least `columns` columns, without heads and rulers. */
export function rowsOf(page: Page, columns: number): string[][] {
  const lines = proseOf(page).split('\n');
  return lines
    .filter(
      (line, i) =>
        line.startsWith('|') && !/^\|[-| ]+\|$/.test(line) && !/^\|[-| ]+\|$/.test(lines[i + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length >= columns);
}
