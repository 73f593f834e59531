import type { Attempt, Workload } from '../clients.js';
import type { Snapshot } from '../snapshot.js';

/** A load that, at the end, says what is wrong with what stands: one line for each fault, none when all is well. */
export interface Book extends Workload {
  judge(state: Snapshot): string[];
}

export const isAcked = ({ ack }: Attempt): boolean => ack?.ok === true;

/** Whether nothing came of it for certain: it was refused. */
export const isRefused = ({ ack }: Attempt): boolean => ack?.ok === false;

/** What the acknowledgement of a write says of it; `undefined` when nothing was written, or it is not known. */
export function writtenBy({ ack }: Attempt): { dot: string; stamp: string } | undefined {
  const value = ack?.ok === true ? (ack.value as { dot?: string; stamp?: string }) : {};
  return value.dot === undefined || value.stamp === undefined
    ? undefined
    : { dot: value.dot, stamp: value.stamp };
}

/** The physical part of a stamp, milliseconds since 1970. */
export const millisOf = (stamp: string): number => Number.parseInt(stamp.slice(0, 12), 16);

/** The value under `key`, made when there is none. */
export function upsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
