import type { RowStore } from '../rows.js';
import { toText, utf8 } from '../../base/bytes.js';
import { openRow } from './checksum.js';
import { damaged, LAYOUT } from './layout.js';
import { stateKey } from './state-rows.js';

/** The row with the number of the layout. Its place is the same in all layouts, and its row begins with the number. */
export const FORMAT_KEY = stateKey('m', utf8('format'));

/**
 * The number of the layout of a store; `undefined` in one that is new.
 * @returns `foreign` for what is no store of ours, or of a later version
 * @throws RumeurError `DISK_FAILED` when the number is damaged
 */
export function readLayout(store: RowStore): number | 'foreign' | undefined {
  const row = store.get('state', FORMAT_KEY);
  if (row === undefined) return store.count('state') === 0 ? undefined : 'foreign';
  // Without a checksum, as all rows in those layouts.
  const text = toText(row);
  if (text === '1' || text === '2') return Number(text);
  const own = `${LAYOUT}`;
  const opened = openRow('state', FORMAT_KEY, row);
  if (opened !== undefined && toText(opened) === own) return LAYOUT;
  if (opened === undefined && row.length === own.length + 4) throw damaged('the number of the layout');
  return 'foreign';
}
