import { eventually } from '../../tools/eventually.js';
import type { Field, Place } from './field.js';

const PATIENCE_MS = 20_000;

/** What nobody else has would be lost, or count as new later: clients leave, and all others get everything. */
export async function emptied(field: Field, place: Place): Promise<void> {
  place.isOpen = false;
  await eventually('no call is under way', () => place.calls === 0, { withinMs: PATIENCE_MS });
  const { name } = place.peer;
  await eventually(`all others have what ${name} has`, () => isReplicated(field, place), {
    withinMs: PATIENCE_MS,
    everyMs: 100,
  });
}

async function isReplicated(field: Field, place: Place): Promise<boolean> {
  const { buckets } = await field.status(place);
  for (const other of field.running.filter((one) => one !== place)) {
    const theirs = (await field.status(other)).buckets;
    for (const [name, { vector }] of Object.entries(buckets)) {
      if (!covers(theirs[name]?.vector ?? {}, vector)) return false;
    }
  }
  return true;
}

/** Both as `status` shows vectors: `1-5,7-9` for each origin. */
function covers(outer: Readonly<Record<string, string>>, inner: Readonly<Record<string, string>>): boolean {
  return Object.entries(inner).every(([origin, text]) => {
    const ranges = rangesOf(outer[origin] ?? '');
    return rangesOf(text).every(([lo, hi]) => ranges.some(([from, to]) => from <= lo && hi <= to));
  });
}

const rangesOf = (text: string): [lo: number, hi: number][] =>
  text === '' ? [] : text.split(',').map((range) => range.split('-').map(Number) as [number, number]);
