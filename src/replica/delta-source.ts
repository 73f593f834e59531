import { Heap } from '../base/heap.js';
import type { LinkId, OriginId } from '../base/ids.js';
import { compareWrites, type Entry } from '../data/entry.js';
import { atLeast, type Intervals, subtract } from '../data/intervals.js';
import { type Stamp, stampMillis } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import { encodeMessage } from '../protocol/codec.js';
import { DELTA_WINDOW_CHUNKS } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Chunk, Claim, DeltaRequest } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Turn } from './turn.js';
import type { DotRow, View } from './view.js';

/** Rough size of an entry beside its key and value. */
const ENTRY_OVERHEAD = 20;
/** One link may ask for this many deltas at once: one a bucket is what an honest peer needs. */
const MAX_REQUESTS = 64;

/** A delta that we are sending. */
interface Serving {
  readonly request: DeltaRequest;
  readonly bucket: Bucket;
  /** R' of rule 1: the requester's vector and everything already sent or claimed in this request. */
  readonly covered: VersionVector;
  /** Dots beyond the requester's horizon that were passed over (rule 8). */
  readonly skipped: VersionVector;
  credit: number;
  n: number;
  exact: boolean;
  heldUntil: number;
}

/** Answers delta requests: chunk by chunk, newest first, each chunk a fresh scan (rules 1 to 4, 6 and 8). */
export class DeltaSource {
  readonly #core: Core;
  readonly #serving = new Map<LinkId, Map<number, Serving>>();

  constructor(core: Core) {
    this.#core = core;
  }

  request(turn: Turn, link: Link, request: DeltaRequest): void {
    const bucket = this.#core.buckets.get(request.bucket);
    const refuse = (reason: string): void =>
      turn.send(link, { type: 'cancel', request: request.request, reason });
    if (!bucket) return refuse('no such bucket');
    let requests = this.#serving.get(link.id);
    if (!requests) this.#serving.set(link.id, (requests = new Map<number, Serving>()));
    if (requests.size >= MAX_REQUESTS) return refuse('too many deltas at once');
    requests.set(request.request, {
      request,
      bucket,
      covered: request.vector.clone(),
      skipped: new VersionVector(),
      credit: Math.min(request.credit, DELTA_WINDOW_CHUNKS),
      n: 0,
      exact: false,
      heldUntil: 0,
    });
  }

  credit(link: Link, request: number, chunks: number): void {
    const serving = this.#serving.get(link.id)?.get(request);
    if (serving) serving.credit = Math.min(serving.credit + chunks, DELTA_WINDOW_CHUNKS);
  }

  cancel(link: LinkId, request: number): void {
    this.#serving.get(link)?.delete(request);
  }

  linkDown(link: LinkId): void {
    this.#serving.delete(link);
  }

  /** Whether a chunk could be sent now. */
  get busy(): boolean {
    for (const requests of this.#serving.values()) {
      for (const serving of requests.values()) if (serving.credit > 0) return true;
    }
    return false;
  }

  /** Sends one chunk of each delta that has credit. The store must show everything that the vectors cover. */
  serve(turn: Turn): void {
    for (const [id, requests] of this.#serving) {
      const link = this.#core.links.get(id);
      for (const [request, serving] of requests) {
        if (!link || serving.credit <= 0) continue;
        serving.credit--;
        const chunk = this.#chunk(serving);
        const bytes = encodeMessage(chunk);
        turn.sendBytes(link, bytes);
        link.traffic.deltasSent += chunk.entries.length;
        this.#core.counters.deltaEntriesSent += chunk.entries.length;
        this.#core.counters.deltaBytesSent += bytes.length;
        link.vectors.get(serving.bucket.name)?.merge(serving.covered);
        if (chunk.last) requests.delete(request);
      }
    }
  }

  #chunk(serving: Serving): Chunk {
    const { bucket, covered, request } = serving;
    const { entries, exhausted } = this.#scan(serving);
    const claims = serving.exact ? [] : claimsOf(bucket.vector, covered, entries, exhausted);
    for (const entry of entries) covered.add(entry.origin, entry.seq, entry.seq);
    for (const [origin, lo, hi] of claims) covered.add(origin, lo, hi);
    return {
      type: 'chunk',
      request: request.request,
      n: serving.n++,
      entries,
      claims,
      exact: serving.exact,
      last: exhausted,
      heldUntil: serving.heldUntil,
    };
  }

  /** The greatest standing entries that the requester lacks, up to the chunk's size. */
  #scan(serving: Serving): { entries: Entry[]; exhausted: boolean } {
    const { bucket, skipped, request } = serving;
    const merge = new NewestFirst(this.#core.view, bucket, serving.covered, skipped);
    const entries: Entry[] = [];
    let room = this.#core.options.deltaChunkBytes;
    try {
      for (let row = merge.next(); row; row = merge.next()) {
        if (stampMillis(row.stamp) > request.horizon) {
          skipped.add(row.origin, row.seq, row.seq);
          serving.exact = true;
          const millis = stampMillis(row.stamp);
          serving.heldUntil = serving.heldUntil === 0 ? millis : Math.min(serving.heldUntil, millis);
          continue;
        }
        const entry = this.#core.view.get(bucket.name, row.key);
        if (entry?.origin !== row.origin || entry.seq !== row.seq) {
          throw new Error(`the dot index names ${row.origin}.${row.seq}, which does not stand under its key`);
        }
        entries.push(entry);
        room -= ENTRY_OVERHEAD + entry.key.length + (entry.value?.length ?? 0);
        if (room <= 0) return { entries, exhausted: merge.next() === undefined };
      }
      return { entries, exhausted: true };
    } finally {
      merge.close();
    }
  }
}

/**
 * Rule 2: for each origin in the chunk, what we cover from its lowest seq in the chunk upwards. Rule 3: when the scan
 * left nothing, all that we cover. What the requester covers already is left out.
 */
function claimsOf(
  vector: VersionVector,
  covered: VersionVector,
  entries: readonly Entry[],
  exhausted: boolean,
): Claim[] {
  if (exhausted) return [...vector.minus(covered).entries()].flatMap(([o, set]) => toClaims(o, set));
  const lowest = new Map<OriginId, number>();
  for (const { origin, seq } of entries) lowest.set(origin, Math.min(seq, lowest.get(origin) ?? Infinity));
  return [...lowest].flatMap(([origin, seq]) =>
    toClaims(origin, subtract(atLeast(vector.get(origin), seq), covered.get(origin))),
  );
}

function toClaims(origin: OriginId, set: Intervals): Claim[] {
  const claims: Claim[] = [];
  for (let i = 0; i < set.length; i += 2) claims.push([origin, set[i] as number, set[i + 1] as number]);
  return claims;
}

type Row = DotRow & { readonly origin: OriginId };

/**
 * All standing dots of a bucket outside `covered` and `skipped`, greatest write first: one descending cursor for each
 * origin that has any, merged by a heap. Exact, because stamps rise with seq within an origin.
 */
class NewestFirst {
  readonly #heap = new Heap<{ row: Row; rest: Iterator<Row> }>((a, b) => compareWrites(a.row, b.row) > 0);

  constructor(view: View, bucket: Bucket, covered: VersionVector, skipped: VersionVector) {
    for (const [origin, set] of bucket.vector.entries()) {
      const gaps = subtract(subtract(set, covered.get(origin)), skipped.get(origin));
      if (gaps.length > 0) this.#advance(descend(view, bucket, origin, gaps));
    }
  }

  next(): (Row & { stamp: Stamp }) | undefined {
    const top = this.#heap.pop();
    if (top) this.#advance(top.rest);
    return top?.row;
  }

  #advance(rest: Iterator<Row>): void {
    const step = rest.next();
    if (!step.done) this.#heap.push({ row: step.value, rest });
  }

  /** Ends the cursors that are still open. */
  close(): void {
    for (let left = this.#heap.pop(); left; left = this.#heap.pop()) left.rest.return?.();
  }
}

function* descend(view: View, bucket: Bucket, origin: OriginId, gaps: Intervals): Iterator<Row> {
  for (let i = gaps.length - 2; i >= 0; i -= 2) {
    for (const { seq, stamp, key } of view.dots(
      bucket.name,
      origin,
      gaps[i] as number,
      gaps[i + 1] as number,
    )) {
      yield { origin, seq, stamp, key };
    }
  }
}
