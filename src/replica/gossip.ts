import type { OriginId } from '../base/ids.js';
import type { Entry, EntryWithoutDigest } from '../data/entry.js';
import { fromAscending, has, type Intervals, subtract } from '../data/intervals.js';
import { VersionVector } from '../data/version-vector.js';
import type { Broadcast } from '../protocol/broadcast.js';
import { encodeMessage, packOps, roughSize, unpackOps } from '../protocol/codec.js';
import { MalformedMessage } from '../protocol/fields.js';
import { PUSH_WINDOW_BYTES, TARGET_FRAME_BYTES } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Push } from '../protocol/messages.js';
import type { Bucket } from './bucket.js';
import { checkCompact, isFragmented } from './compactness.js';
import { bucketOn, type Core } from './core.js';
import { take } from './intake.js';
import { leaveAside } from './origin-room.js';
import type { Turn } from './turn.js';

/** Pushes news to the links that broadcast chooses, and takes the news of others. */
export class Gossip {
  readonly #core: Core;
  readonly #broadcast: Broadcast;

  constructor(core: Core, broadcast: Broadcast) {
    this.#core = core;
    this.#broadcast = broadcast;
  }

  /** Sends our own new writes; `entries` ascend by seq. Each frame is encoded once. */
  publish(turn: Turn, bucket: Bucket, entries: readonly Entry[]): void {
    for (const frame of frames(entries)) this.#spread(turn, bucket, frame, undefined, undefined);
  }

  /**
   * Takes a push. Dots that are covered are skipped, dots from the future held back; the rest is applied and goes on
   * to the others, in the very bytes it came in when all of it was news.
   */
  receive(turn: Turn, link: Link, push: Push, bytes: Uint8Array): void {
    const bucket = bucketOn(this.#core, link, push.bucket);
    const { hello } = link;
    if (!bucket || !hello) return;
    const { clock } = this.#core;
    const covered = bucket.vector.get(push.origin);
    if (subtract([push.lo, push.hi], covered).length === 0) {
      this.#count(link, push.hi - push.lo + 1, push.hi - push.lo + 1);
      this.#broadcast.duplicate(push.origin, link.id);
      return;
    }
    const ops = unpackOps(push.origin, push.body);
    if (ops[0]?.seq !== push.lo || ops[ops.length - 1]?.seq !== push.hi) {
      throw new MalformedMessage('a push that holds other operations than it says');
    }
    const fresh: EntryWithoutDigest[] = [];
    let held = 0;
    for (const op of ops) {
      if (bucket.vector.covers(op)) continue;
      if (clock.isBeyond(op.stamp, turn.wall)) held++;
      else fresh.push(op);
    }
    this.#count(link, ops.length, ops.length - fresh.length - held);
    if (bucket.policy.areTooMany?.(fresh) === true) throw new MalformedMessage('too many values of one key');
    const seqs = seqsOf(fresh);
    const news = new VersionVector([[push.origin, seqs]]);
    checkCompact(bucket.vector, news, bucket.damages.size);
    if (leaveAside(turn, link, bucket, news).size > 0) return;
    if (fresh.length > 0 && this.#wouldFragment(bucket, covered, push.lo)) return;
    // What is held back might be made up.
    const told = held === 0 ? ops : ops.filter((op) => !clock.isBeyond(op.stamp, turn.wall));
    know(link, bucket, push.origin, told);
    if (fresh.length === 0) return;
    turn.source = { peer: hello.peer, how: 'push' };
    for (const op of fresh) take(this.#core, turn, bucket, op);
    turn.source = undefined;
    turn.cover(bucket, push.origin, seqs);
    turn.setClock(clock.last);
    this.#spread(turn, bucket, fresh, link, fresh.length === ops.length ? bytes : undefined);
  }

  /** A push that leaves a gap in a vector full of gaps waits for anti-entropy, which brings what lies in between. */
  #wouldFragment(bucket: Bucket, covered: Intervals, lo: number): boolean {
    const leavesGap = lo > 1 && !has(covered, lo - 1);
    return leavesGap && isFragmented(bucket.vector);
  }

  #count(link: Link, operations: number, duplicates: number): void {
    this.#core.counters.pushesReceived += operations;
    this.#core.counters.pushesDuplicate += duplicates;
    link.traffic.pushesReceived += operations;
  }

  /** One frame of one origin to every link that broadcast names and that can take it. */
  #spread(
    turn: Turn,
    bucket: Bucket,
    ops: readonly EntryWithoutDigest[],
    from: Link | undefined,
    encoded: Uint8Array | undefined,
  ): void {
    const [first, last] = [ops[0], ops[ops.length - 1]];
    if (!first || !last) return;
    let bytes = encoded;
    for (const id of this.#broadcast.targets(first.origin, from?.id)) {
      const link = this.#core.links.get(id);
      if (
        !link ||
        link.closing ||
        link.refused.has(bucket.name) ||
        coversAll(link, bucket, first.origin, ops)
      )
        continue;
      if (!this.#hasRoom(link)) {
        link.flow.lagging = true;
        this.#core.counters.pushesDropped += ops.length;
        continue;
      }
      bytes ??= encodeMessage({
        type: 'push',
        bucket: bucket.name,
        origin: first.origin,
        lo: first.seq,
        hi: last.seq,
        body: packOps(ops),
      });
      turn.sendBytes(link, bytes);
      know(link, bucket, first.origin, ops);
      link.traffic.pushesSent += ops.length;
      this.#core.counters.pushesSent += ops.length;
    }
  }

  #hasRoom(link: Link): boolean {
    return link.flow.sent - link.flow.acknowledged < PUSH_WINDOW_BYTES;
  }
}

/** Splits entries into frames of about the target size. */
function* frames(entries: readonly Entry[]): Iterable<Entry[]> {
  let frame: Entry[] = [];
  let size = 0;
  for (const entry of entries) {
    const bytes = roughSize(entry);
    if (frame.length > 0 && size + bytes > TARGET_FRAME_BYTES) {
      yield frame;
      frame = [];
      size = 0;
    }
    frame.push(entry);
    size += bytes;
  }
  if (frame.length > 0) yield frame;
}

const seqsOf = (ops: readonly { seq: number }[]): Intervals => fromAscending(ops.map(({ seq }) => seq));

/** Takes note that the other side has these operations. */
/** The other side of the link has these: no more than are, or come to be, covered here. */
function know(link: Link, bucket: Bucket, origin: OriginId, ops: readonly { seq: number }[]): void {
  let vector = link.vectors.get(bucket.name);
  if (!vector) link.vectors.set(bucket.name, (vector = new VersionVector()));
  vector.addAll(origin, seqsOf(ops));
}

function coversAll(link: Link, bucket: Bucket, origin: OriginId, ops: readonly { seq: number }[]): boolean {
  const known = link.vectors.get(bucket.name)?.get(origin);
  return known !== undefined && subtract(seqsOf(ops), known).length === 0;
}
