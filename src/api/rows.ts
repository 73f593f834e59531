import { dotToText } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import { stampToText } from '../data/stamp.js';
import type { Row } from './service.js';

export const rowOf = (key: string, value: Uint8Array, entry: Entry): Row => ({
  key,
  value,
  ...namesOf(entry),
});

/** Dot and stamp of a write as text. */
export const namesOf = (entry: Pick<Entry, 'origin' | 'seq' | 'stamp'>): { dot: string; stamp: string } => ({
  dot: dotToText(entry),
  stamp: stampToText(entry.stamp),
});
