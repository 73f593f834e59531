import Table from 'cli-table3';
import { pc } from './colors.js';
import type { PeerState } from '../src/api/service.js';
import { shownName } from './output.js';

const BORDERLESS = Object.fromEntries(
  'top,top-mid,top-left,top-right,bottom,bottom-mid,bottom-left,bottom-right,left,left-mid,mid,mid-mid,right,right-mid'
    .split(',')
    .map((part) => [part, '']),
);

/** Columns under a head, without lines. What other peers named themselves cannot steer the terminal. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const columns = new Table({
    head: head.map((title) => pc.bold(title)),
    chars: { ...BORDERLESS, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  columns.push(
    ...rows.map((row) => row.map((cell) => (typeof cell === 'string' ? shownName(cell) : cell.styled))),
  );
  const lines = columns.toString().split('\n');
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Text, or text that we have coloured ourselves. */
export type Cell = string | { readonly styled: string };

export function shownState(state: PeerState): Cell {
  if (state === 'connected' || state === 'alive') return { styled: pc.green(state) };
  if (state === 'down') return { styled: pc.red(state) };
  return { styled: pc.yellow(state) };
}
