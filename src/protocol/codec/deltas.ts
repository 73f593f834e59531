import type { OriginId } from '../../base/ids.js';
import type { EntryWithoutDigest } from '../../data/entry.js';
import { VersionVector } from '../../data/version-vector.js';
import { clipText, differences, type Fields, vectorToList } from '../fields.js';
import { MalformedMessage } from '../malformed.js';
import { MAX_MISSING } from '../limits.js';
import type { Chunk, MissingEntry } from '../messages.js';
import type { CodecsOf } from './message-codec.js';
import { entriesToList, originAt, OriginList, readEntries, readOrigins } from './operations.js';

/** Catching up. */
export const deltaCodecs: CodecsOf<'deltaRequest' | 'chunk' | 'credit' | 'cancel' | 'below'> = {
  deltaRequest: {
    write: ({ request, bucket, vector, floor, horizon, credit, missing = [] }) => [
      request,
      bucket,
      vectorToList(vector),
      vectorToList(floor),
      horizon,
      credit,
      ...(missing.length === 0
        ? []
        : [missing.flatMap(({ origin, seq, stamp, key }) => [origin, seq, stamp, key])]),
    ],
    read: (f) => ({
      type: 'deltaRequest',
      request: f.uint(),
      bucket: f.bucket(),
      vector: f.vector(),
      floor: f.vector(),
      horizon: f.uint(),
      credit: f.uint(),
      ...(f.more ? { missing: f.each(MAX_MISSING, readMissing) } : {}),
    }),
  },
  chunk: { write: chunkToFields, read: readChunk },
  credit: {
    write: ({ request, chunks }) => [request, chunks],
    read: (f) => ({ type: 'credit', request: f.uint(), chunks: f.uint() }),
  },
  cancel: {
    write: ({ request, reason }) => [request, clipText(reason)],
    read: (f) => ({ type: 'cancel', request: f.uint(), reason: f.reason() }),
  },
  below: {
    write: ({ request }) => [request],
    read: (f) => ({ type: 'below', request: f.uint() }),
  },
};

const readMissing = (f: Fields): MissingEntry => ({
  origin: f.id() as OriginId,
  seq: f.seq(),
  stamp: f.stamp(),
  key: f.key(),
});

/** `claims` has one list for each origin in turn; those that only contexts name come last and need none. */
function chunkToFields({ request, n, entries, claims, exact, last, heldUntil, seenUpTo }: Chunk): unknown[] {
  const origins = new OriginList(entries.map(({ origin }) => origin));
  for (const [origin] of claims.entries()) origins.place(origin);
  const claimed = origins.toList().map((origin) => differences(claims.get(origin)));
  const list = entriesToList(entries, origins);
  return [request, n, origins.toList(), list, claimed, exact, last, heldUntil, seenUpTo];
}

function readChunk(f: Fields): Chunk {
  const [request, n] = [f.uint(), f.uint()];
  const origins = readOrigins(f);
  const entries = readEntries(f, origins);
  checkOneWay(entries);
  const sets = f.each(origins.length, (c) => c.intervals());
  const claims = new VersionVector(sets.map((set, i) => [originAt(origins, i), set]));
  const [exact, last, heldUntil, seenUpTo] = [f.flag(), f.flag(), f.uint(), f.stamp()];
  return { type: 'chunk', request, n, entries, claims, exact, last, heldUntil, seenUpTo };
}

/**
 * Within each origin seqs fall, or rise: the same way in the whole chunk; which one is the bucket's policy's to say.
 * Stamps go with them, but not where an origin was used twice: that is found elsewhere.
 */
function checkOneWay(entries: readonly EntryWithoutDigest[]): void {
  const latest = new Map<OriginId, number>();
  let way = 0;
  for (const { origin, seq } of entries) {
    const before = latest.get(origin);
    latest.set(origin, seq);
    if (before === undefined) continue;
    const step = Math.sign(seq - before);
    if (step === 0 || step === -way) throw new MalformedMessage('entries out of order');
    way = step;
  }
}
