import type { BucketName, LinkId, OriginId } from '../base/ids.js';
import type { Entry } from '../data/entry.js';
import type { Intervals } from '../data/intervals.js';
import type { VersionVector } from '../data/version-vector.js';
import { encodeMessage } from '../protocol/codec.js';
import type { AddressRecord } from '../protocol/address-book.js';
import type { Link } from '../protocol/link.js';
import type { Message } from '../protocol/messages.js';
import type { Stamp } from '../data/stamp.js';
import type { Batch, Put } from './batch.js';
import type { Bucket } from './bucket.js';
import type { Counters } from './core.js';
import type { Change, Note, Now, Reply, Step } from './step.js';
import type { View } from './view.js';

/**
 * One call of `handle`: what it reads (the store and what this turn itself has written) and the step that it
 * builds up. Vectors and totals change in memory at once; the batch makes the store follow.
 */
export class Turn {
  /** Monotonic, for whatever is due: milliseconds since some moment. */
  readonly now: number;
  /** The wall clock, for stamps: milliseconds since 1970. It may jump. */
  readonly wall: number;
  readonly #view: View;
  readonly #counters: Counters;
  readonly #puts: Put[] = [];
  readonly #overlay = new Map<BucketName, Map<string, Entry>>();
  readonly #vectors = new Map<Bucket, Set<OriginId>>();
  readonly #totals = new Set<Bucket>();
  readonly #sends: { link: LinkId; bytes: Uint8Array }[] = [];
  readonly #closes: { link: LinkId; reason: string }[] = [];
  readonly #dials: string[] = [];
  readonly #replies: Reply[] = [];
  readonly #changes: Change[] = [];
  readonly #notes: Note[] = [];
  #clock: Stamp | undefined;
  #origin: OriginId | undefined;

  constructor(now: Now, view: View, counters: Counters) {
    this.now = now.mono;
    this.wall = Math.max(0, Math.floor(now.wall));
    this.#view = view;
    this.#counters = counters;
  }

  /** What stands under a key, this turn's own writes included. */
  get(bucket: Bucket, key: string): Entry | undefined {
    return this.#overlay.get(bucket.name)?.get(key) ?? this.#view.get(bucket.name, key);
  }

  /** Makes `entry` stand in place of `current` if the bucket's policy says so; the dot is not covered by this. */
  apply(bucket: Bucket, entry: Entry): boolean {
    const current = this.get(bucket, entry.key);
    if (current && !bucket.policy.wins(entry, current)) return false;
    if (current?.value) {
      bucket.fingerprint.remove(current.digest);
      bucket.keys--;
    }
    if (entry.value) {
      bucket.fingerprint.add(entry.digest);
      bucket.keys++;
    }
    let overlay = this.#overlay.get(bucket.name);
    if (!overlay) this.#overlay.set(bucket.name, (overlay = new Map<string, Entry>()));
    overlay.set(entry.key, entry);
    this.#puts.push({ bucket: bucket.name, entry, replaces: current });
    this.#totals.add(bucket);
    this.#changes.push({ bucket: bucket.name, entry });
    return true;
  }

  cover(bucket: Bucket, origin: OriginId, set: Intervals): void {
    bucket.vector.addAll(origin, set);
    this.#vectorChanged(bucket, origin);
  }

  coverAll(bucket: Bucket, dots: VersionVector): void {
    for (const [origin, set] of dots.entries()) this.cover(bucket, origin, set);
  }

  /** For dots whose content this store does not hold although it covers them: an origin that was used twice. */
  uncover(bucket: Bucket, origin: OriginId, set: Intervals): void {
    bucket.vector.removeAll(origin, set);
    this.#vectorChanged(bucket, origin);
  }

  #vectorChanged(bucket: Bucket, origin: OriginId): void {
    let origins = this.#vectors.get(bucket);
    if (!origins) this.#vectors.set(bucket, (origins = new Set()));
    origins.add(origin);
  }

  /** Whether entries were written in this turn: then the store is behind until the step has been performed. */
  get wrote(): boolean {
    return this.#puts.length > 0;
  }

  setClock(stamp: Stamp): void {
    this.#clock = stamp;
  }

  setOrigin(origin: OriginId): void {
    this.#origin = origin;
  }

  send(link: Link, message: Message): void {
    this.sendBytes(link, encodeMessage(message));
  }

  sendBytes(link: Link, bytes: Uint8Array): void {
    if (link.closing) return;
    link.flow.sent += bytes.length;
    this.#counters.bytesSent += bytes.length;
    this.#sends.push({ link: link.id, bytes });
  }

  close(link: Link, reason: string): void {
    if (link.closing) return;
    link.closing = true;
    this.#closes.push({ link: link.id, reason });
  }

  dial(url: string): void {
    this.#dials.push(url);
  }

  reply(request: number, outcome: Reply['outcome']): void {
    this.#replies.push({ request, outcome });
  }

  note(level: Note['level'], event: string, message: string, fields?: Note['fields']): void {
    this.#notes.push({ level, event, message, ...(fields ? { fields } : {}) });
  }

  finish(wakeAt: number, addresses: readonly AddressRecord[] | undefined): Step {
    return {
      persist: this.#batch(addresses),
      sends: this.#sends,
      closes: this.#closes,
      dials: this.#dials,
      replies: this.#replies,
      changes: this.#changes,
      notes: this.#notes,
      wakeAt,
    };
  }

  #batch(addresses: readonly AddressRecord[] | undefined): Batch | undefined {
    const vectors = [...this.#vectors].flatMap(([bucket, origins]) =>
      [...origins].map((origin) => ({ bucket: bucket.name, origin, intervals: bucket.vector.get(origin) })),
    );
    const idle = vectors.length === 0 && this.#puts.length === 0 && !addresses && !this.#origin;
    if (idle && this.#clock === undefined) return undefined;
    const totals = [...this.#totals].map((b) => ({
      bucket: b.name,
      keys: b.keys,
      hash: b.fingerprint.toBytes(),
    }));
    return {
      puts: this.#puts,
      vectors,
      totals,
      ...(this.#clock === undefined ? {} : { clock: this.#clock }),
      ...(this.#origin === undefined ? {} : { origin: this.#origin }),
      ...(addresses ? { addresses } : {}),
    };
  }
}
