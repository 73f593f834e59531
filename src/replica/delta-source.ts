import type { LinkId, OriginId } from '../base/ids.js';
import { standing } from '../data/cell.js';
import { dotToText } from '../data/dot.js';
import { compareWrites, type Entry } from '../data/entry.js';
import { atLeast, atMost, highest, subtract } from '../data/intervals.js';
import { STAMP_ZERO, stampMillis } from '../data/stamp.js';
import { VersionVector } from '../data/version-vector.js';
import { encodeMessage, roughSize } from '../protocol/codec.js';
import { DELTA_WINDOW_CHUNKS, MAX_OPERATIONS } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Chunk, DeltaRequest, MissingEntry } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import { bucketOn, type Core } from './core.js';
import { DeltaScan } from './delta-scan.js';
import { learn } from './known.js';
import type { Turn } from './turn.js';

/** Rough size of an entry beside its key and value. */
const ENTRY_OVERHEAD = 20;

/** A delta that we are sending. */
interface Serving {
  readonly request: DeltaRequest;
  /** R' of rule 1: the requester's vector and everything already sent or claimed in this request. */
  readonly covered: VersionVector;
  /** For each origin the least seq that was passed over (rule 8): stamps rise with seq, so all above it lie beyond too. */
  readonly beyond: Map<OriginId, number>;
  credit: number;
  n: number;
  exact: boolean;
  heldUntil: number;
}

/** Answers delta requests: chunk by chunk, superseders first, each chunk a fresh scan (rules 1 to 6 and 8). */
export class DeltaSource {
  readonly #core: Core;
  /** One delta a bucket for each link: a new request takes the place of the former, which bounds what a peer may keep here. */
  readonly #serving = new Map<LinkId, Map<Bucket, Serving>>();

  constructor(core: Core) {
    this.#core = core;
  }

  request(turn: Turn, link: Link, request: DeltaRequest): void {
    const bucket = bucketOn(this.#core, link, request.bucket);
    if (!bucket) {
      const reason = 'this bucket is not replicated here';
      turn.send(link, { type: 'cancel', request: request.request, reason });
      return;
    }
    learn(link, bucket.name, request.vector);
    let requests = this.#serving.get(link.id);
    if (!requests) this.#serving.set(link.id, (requests = new Map<Bucket, Serving>()));
    requests.set(bucket, {
      request,
      covered: request.vector.clone(),
      beyond: new Map(),
      credit: Math.min(request.credit, DELTA_WINDOW_CHUNKS),
      n: 0,
      exact: false,
      heldUntil: 0,
    });
  }

  credit(link: Link, request: number, chunks: number): void {
    for (const serving of this.#serving.get(link.id)?.values() ?? []) {
      if (serving.request.request !== request) continue;
      serving.credit = Math.min(serving.credit + chunks, DELTA_WINDOW_CHUNKS);
    }
  }

  cancel(link: LinkId, request: number): void {
    const requests = this.#serving.get(link);
    for (const [bucket, serving] of requests ?? [])
      if (serving.request.request === request) requests?.delete(bucket);
  }

  linkDown(link: LinkId): void {
    this.#serving.delete(link);
  }

  /** Whether a chunk could be sent now. */
  get busy(): boolean {
    for (const [id, requests] of this.#serving) {
      if (!this.#usable(id)) continue;
      for (const { credit } of requests.values()) if (credit > 0) return true;
    }
    return false;
  }

  #usable(id: LinkId): Link | undefined {
    const link = this.#core.links.get(id);
    return link?.closing ? undefined : link;
  }

  /** Sends one chunk of each delta that has credit. The store must show everything that the vectors cover. */
  serve(turn: Turn): void {
    for (const [id, requests] of this.#serving) {
      const link = this.#usable(id);
      if (!link) continue;
      for (const [bucket, serving] of requests) {
        if (serving.credit > 0 && !this.#serveOne(turn, link, bucket, serving)) requests.delete(bucket);
      }
    }
  }

  /** Sends the next chunk of a delta. @returns whether there is more to come */
  #serveOne(turn: Turn, link: Link, bucket: Bucket, serving: Serving): boolean {
    const { request } = serving.request;
    // Rule 6, in each chunk's turn: tombstones may go while a delta is under way. While a row is damaged nothing is claimed
    // and nobody can reconcile with us: what we have is sent all the same, as others may wait for it.
    if (bucket.damages.size === 0 && isBelow(bucket, serving)) {
      turn.send(link, { type: 'below', request });
      return false;
    }
    const chunk = this.#chunk(turn, bucket, serving);
    serving.credit--;
    const bytes = encodeMessage(chunk);
    turn.sendBytes(link, bytes);
    link.traffic.deltasSent += chunk.entries.length;
    this.#core.counters.deltaEntriesSent += chunk.entries.length;
    this.#core.counters.deltaBytesSent += bytes.length;
    noteSent(link, bucket, serving, chunk);
    return !chunk.last;
  }

  #chunk(turn: Turn, bucket: Bucket, serving: Serving): Chunk {
    const { covered, request } = serving;
    const { entries, exhausted } = this.#scan(turn, bucket, serving);
    const sent = VersionVector.ofDots(entries);
    // What a lost entry had superseded is covered and not accounted for (rule 15); the scan may have met the damage.
    if (bucket.damages.size > 0) serving.exact = true;
    const claims = serving.exact
      ? this.#vouchFor(bucket, serving, exhausted)
      : claimsOf(bucket, covered, sent, exhausted);
    covered.merge(sent);
    covered.merge(claims);
    return {
      type: 'chunk',
      request: request.request,
      n: serving.n++,
      entries,
      claims,
      exact: serving.exact,
      last: exhausted,
      heldUntil: serving.heldUntil,
      seenUpTo: this.#core.clock.last,
    };
  }

  /** What a source that claims nothing can say all the same: where what the requester has lost has been superseded. */
  #vouchFor(bucket: Bucket, serving: Serving, exhausted: boolean): VersionVector {
    const { request, covered, beyond } = serving;
    const dots = new VersionVector();
    // All that stands here under those keys has been sent by then, unless it lies beyond the horizon; and what was dropped
    // here has been dropped there (rule 6).
    if (!exhausted || beyond.size > 0 || isBelow(bucket, serving)) return dots;
    for (const lost of request.missing ?? []) {
      if (bucket.vector.covers(lost) && !covered.covers(lost) && isAccountedFor(bucket, lost))
        dots.add(lost.origin, lost.seq, lost.seq);
    }
    return dots;
  }

  /** The first standing entries that the requester lacks, superseders first, up to the chunk's size. */
  #scan(turn: Turn, bucket: Bucket, serving: Serving): { entries: Entry[]; exhausted: boolean } {
    const { view, options } = this.#core;
    const merge = new DeltaScan(view, bucket, serving.covered, serving.beyond);
    const entries: Entry[] = [];
    let room = options.deltaChunkBytes;
    try {
      for (let row = merge.next(); row; row = merge.next()) {
        if (room <= 0 || entries.length === MAX_OPERATIONS) return { entries, exhausted: false };
        // What is passed over takes room too, so that no turn lasts long.
        room -= ENTRY_OVERHEAD;
        const millis = stampMillis(row.stamp);
        if (millis > serving.request.horizon) {
          const least = serving.beyond.get(row.origin) ?? Infinity;
          serving.beyond.set(row.origin, Math.min(least, row.seq));
          serving.exact = true;
          serving.heldUntil = serving.heldUntil === 0 ? millis : Math.min(serving.heldUntil, millis);
          continue;
        }
        const entry = standing(turn.get(bucket, row.key), row);
        if (!entry) {
          // Taken out in this very turn, which the store does not show yet; or what stood there is being looked up.
          if (bucket.damages.has(dotToText(row)) || bucket.damages.unread.has(row.key)) continue;
          turn.distrust(bucket, row.key, row);
          return { entries, exhausted: false };
        }
        entries.push(entry);
        room -= roughSize(entry) - ENTRY_OVERHEAD;
      }
      return { entries, exhausted: true };
    } finally {
      merge.close();
    }
  }
}

/** What the other side covers by this chunk: at the end all of the delta, as it may have told an older vector meanwhile. */
function noteSent(
  link: Link,
  { name }: Bucket,
  { covered }: Serving,
  { last, entries, claims }: Chunk,
): void {
  if (last) return learn(link, name, covered);
  const known = link.vectors.get(name);
  known?.merge(VersionVector.ofDots(entries));
  known?.merge(claims);
}

/** Rule 6: whether tombstones are gone here that the requester may not know of. */
const isBelow = ({ floor }: Bucket, { covered, request }: Serving): boolean =>
  !floor.minus(covered).within(request.floor);

/**
 * Whether what has superseded this covered write stands here, or is in the floor, although rows are damaged: it may
 * have been one of the lost entries only if one of that very key supersedes it, and so lies beyond it in the order of
 * writes (rule 15). Of two peers that miss entries of the same key, one can vouch to the other by that.
 */
function isAccountedFor({ damages, policy }: Bucket, { key, ...write }: MissingEntry): boolean {
  if (damages.isUnsettled) return false;
  const sign = policy.superseder === 'newer' ? 1 : -1;
  for (const { origin, seq, stamp } of damages.under(key)) {
    if (stamp === undefined || write.stamp === STAMP_ZERO) return false;
    if (sign * compareWrites({ origin, seq, stamp }, write) > 0) return false;
  }
  return true;
}

/**
 * Rule 2: for each origin in the chunk, what we cover from its lowest seq in the chunk upwards; where the older write
 * supersedes, up to its highest (rule 5). Rule 3: when the scan left nothing, all that we cover. What the requester
 * covers already is left out.
 */
function claimsOf(
  { vector, policy }: Bucket,
  covered: VersionVector,
  sent: VersionVector,
  exhausted: boolean,
): VersionVector {
  if (exhausted) return vector.minus(covered);
  const claims = new VersionVector();
  for (const [origin, set] of sent.entries()) {
    const held = vector.get(origin);
    const known =
      policy.superseder === 'newer' ? atLeast(held, set[0] as number) : atMost(held, highest(set));
    claims.addAll(origin, subtract(known, covered.get(origin)));
  }
  return claims;
}
