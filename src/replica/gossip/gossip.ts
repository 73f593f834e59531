import type { Entry, EntryWithoutDigest } from '../../data/entry.js';
import { fromAscending, has, type Intervals, subtract } from '../../data/intervals.js';
import { VersionVector } from '../../data/version-vector.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import { encodeMessage, nextHop, packOps, roughSize, unpackOps } from '../../protocol/codec.js';
import { MalformedMessage } from '../../protocol/fields.js';
import { EAGER_VALUE_BYTES, MAX_HOPS, TARGET_FRAME_BYTES } from '../../protocol/limits.js';
import { hasPushRoom, type Link } from '../../protocol/link.js';
import type { Push } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { checkCompact, isFragmented } from '../compactness.js';
import { bucketOn, type Core } from '../core.js';
import { take } from '../intake.js';
import { isKnown, know } from '../known.js';
import { leaveAside } from '../origin-room.js';
import { spend } from '../links/quotas.js';
import type { Suspect } from '../suspect.js';
import type { Turn } from '../turn.js';
import type { Announcements } from './announcements.js';
import type { Grafts } from './grafts.js';

/** Operations of one bucket and origin that go on together. */
interface Frame {
  readonly ops: readonly EntryWithoutDigest[];
  /** The links that they came over; 0 when nobody knows. */
  readonly hops: number;
  readonly from: Link | undefined;
  /** The message for the next links, if there is one already. */
  readonly encoded: Uint8Array | undefined;
}

/** Pushes news to the links that broadcast chooses, and takes the news of others. */
export class Gossip {
  readonly #core: Core;
  readonly #broadcast: Broadcast;
  readonly #announcements: Announcements;
  readonly #grafts: Grafts;
  readonly #suspect: Suspect;

  constructor(
    core: Core,
    broadcast: Broadcast,
    announcements: Announcements,
    grafts: Grafts,
    suspect: Suspect,
  ) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#announcements = announcements;
    this.#grafts = grafts;
    this.#suspect = suspect;
  }

  /** Sends our own new writes; `entries` ascend by seq. Each frame is encoded once. */
  publish(turn: Turn, bucket: Bucket, entries: readonly Entry[]): void {
    for (const ops of frames(entries)) {
      this.#spread(turn, bucket, { ops, hops: 0, from: undefined, encoded: undefined });
    }
  }

  /**
   * Takes a push. Dots that are covered are skipped, dots from the future held back; the rest is applied and goes on
   * to the others, in the very bytes it came in when all of it was news. Endless pushes without news end the link.
   */
  receive(turn: Turn, link: Link, push: Push, bytes: Uint8Array): void {
    const bucket = bucketOn(this.#core, link, push.bucket);
    if (!bucket || !link.hello) return;
    const isCovered = subtract([push.lo, push.hi], bucket.vector.get(push.origin)).length === 0;
    if (isCovered) this.#duplicate(turn, link, bucket, push);
    if (!isCovered && this.#takeNews(turn, link, bucket, push, bytes)) return;
    if (spend(link.quotas.stale, turn.now, 1 + Math.floor(bytes.length / 1024))) return;
    this.#suspect(turn, link, 'endless pushes without news', 1);
  }

  /** @returns whether there was any, be it that we have no room for it now */
  #takeNews(turn: Turn, link: Link, bucket: Bucket, push: Push, bytes: Uint8Array): boolean {
    const { clock } = this.#core;
    const ops = (this.#core.options.open ?? unpackOps)(push.origin, push.body);
    if (ops[0]?.seq !== push.lo || ops[ops.length - 1]?.seq !== push.hi) {
      throw new MalformedMessage('a push that holds other operations than it says');
    }
    const fresh: (Entry | EntryWithoutDigest)[] = [];
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
    if (leaveAside(turn, link, bucket, news).size > 0) return true;
    if (fresh.length > 0 && this.#wouldFragment(bucket, push)) return true;
    // What is held back might be made up.
    const told = held === 0 ? ops : ops.filter((op) => !clock.isBeyond(op.stamp, turn.wall));
    know(link, bucket, push.origin, seqsOf(told));
    if (fresh.length === 0) return false;
    turn.source = link.hello && { peer: link.hello.peer, how: 'push' };
    for (const op of fresh) take(this.#core, turn, bucket, op);
    turn.source = undefined;
    turn.cover(bucket, push.origin, seqs);
    turn.setClock(clock.last);
    this.#arrived(turn, link, bucket, push, bytes.length);
    const encoded = fresh.length === ops.length ? nextHop(push, bytes) : undefined;
    this.#spread(turn, bucket, { ops: fresh, hops: push.hops, from: link, encoded });
    return true;
  }

  /** Ways over which the same comes late are closed; what is announced stays announced. */
  #duplicate(turn: Turn, link: Link, bucket: Bucket, { origin, lo, hi, hops }: Push): void {
    this.#count(link, hi - lo + 1, hi - lo + 1);
    // It is not opened: of several it may leave some out.
    if (lo === hi) know(link, bucket, origin, [lo, hi]);
    if (hops === 0) return;
    if (this.#broadcast.duplicate(origin, link.id)) this.#announcements.prune(turn, link, origin);
  }

  /** A push has brought news: its way is good, but what should have come before it may be missing. */
  #arrived(turn: Turn, link: Link, bucket: Bucket, { origin, lo, hops }: Push, bytes: number): void {
    const { counters } = this.#core;
    counters.newsBytesReceived += bytes;
    if (hops > 0) {
      counters.hopsCounted++;
      counters.hops += hops;
      counters.hopsMost = Math.max(counters.hopsMost, hops);
      // What was asked for says nothing about the way that writes take by themselves.
      this.#broadcast.news(origin, link.id);
    }
    this.#grafts.pushed(turn, link, bucket, origin, lo);
  }

  /** A push that leaves a gap in a vector full of gaps waits for anti-entropy, which brings what lies in between. */
  #wouldFragment({ vector }: Bucket, { origin, lo }: Push): boolean {
    const leavesGap = lo > 1 && !has(vector.get(origin), lo - 1);
    return leavesGap && isFragmented(vector);
  }

  #count(link: Link, operations: number, duplicates: number): void {
    this.#core.counters.pushesReceived += operations;
    this.#core.counters.pushesDuplicate += duplicates;
    link.traffic.pushesReceived += operations;
  }

  /** One frame of one origin to every link that broadcast names and that can take it; the others are told of it later. */
  #spread(turn: Turn, bucket: Bucket, frame: Frame): void {
    const { ops, from } = frame;
    const [first, last] = [ops[0], ops[ops.length - 1]];
    if (!first || !last) return;
    const { origin } = first;
    const seqs = seqsOf(ops);
    const isLarge = (first.value?.length ?? 0) > EAGER_VALUE_BYTES;
    let bytes = frame.encoded;
    for (const id of this.#broadcast.targets(origin, from?.id, frame.hops)) {
      const link = this.#core.links.get(id);
      if (!link || link.closing || link.refused.has(bucket.name)) continue;
      if (isKnown(link, bucket, origin, seqs)) continue;
      if (!hasPushRoom(link)) {
        link.flow.lagging = true;
        this.#core.counters.pushesDropped += ops.length;
      } else if (isLarge) {
        this.#announcements.offer(turn, link, bucket, origin, seqs);
      } else {
        bytes ??= encodeMessage({
          type: 'push',
          hops: from && frame.hops === 0 ? 0 : Math.min(frame.hops + 1, MAX_HOPS),
          bucket: bucket.name,
          origin,
          lo: first.seq,
          hi: last.seq,
          body: packOps(ops),
        });
        turn.sendBytes(link, bytes);
        know(link, bucket, origin, seqs);
        link.traffic.pushesSent += ops.length;
        this.#core.counters.pushesSent += ops.length;
      }
    }
    this.#announcements.announce(turn, bucket, origin, seqs, isLarge);
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
