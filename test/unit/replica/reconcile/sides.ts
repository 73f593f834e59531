import type { LinkId, OriginId, PeerId } from '../../../../src/base/ids.js';
import { type Cell, isLive } from '../../../../src/data/cell.js';
import { dotToText } from '../../../../src/data/dot.js';
import { sealEntry, type EntryWithoutDigest } from '../../../../src/data/entry.js';
import { Fingerprint } from '../../../../src/data/fingerprint.js';
import type { PolicyName } from '../../../../src/data/policy.js';
import type { VersionVector } from '../../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage } from '../../../../src/protocol/codec.js';
import { type Link, openLink } from '../../../../src/protocol/link.js';
import type { Message } from '../../../../src/protocol/messages.js';
import type { Bucket } from '../../../../src/replica/bucket.js';
import type { Core } from '../../../../src/replica/core.js';
import { Damage } from '../../../../src/replica/damage.js';
import { Answerer } from '../../../../src/replica/reconcile/answerer.js';
import { Asker } from '../../../../src/replica/reconcile/asker.js';
import { STALL_MS } from '../../../../src/replica/reconcile/bounds.js';
import type { ReconcileMode, ReconcileReport } from '../../../../src/replica/reconcile/report.js';
import type { Step } from '../../../../src/replica/step.js';
import { Turn } from '../../../../src/replica/turn.js';
import { MemoryStorage } from '../../../../src/storage/memory.js';
import { BUCKET, EPOCH, helloOf, Subject } from '../builders.js';

const LINK = 1 as LinkId;

/** One side of a reconciliation: the two parts under test over a real store, without the rest of a replica. */
export class Side {
  readonly storage: MemoryStorage;
  readonly core: Core;
  readonly link: Link;
  readonly asker: Asker;
  readonly answerer: Answerer;
  readonly reports: ReconcileReport[] = [];
  readonly notes: string[] = [];
  /** What is to be sent to the other side. */
  readonly outbox: Uint8Array[] = [];
  now = 0;
  readonly #damage: Damage;

  /** @param like a side that has taken the same so far; default: none */
  constructor(name: string, policy: PolicyName = 'lww', like?: Side) {
    const ids = { peerId: name.repeat(21) as PeerId, origin: name.toLowerCase().repeat(21) as OriginId };
    const restored = like && { snapshot: like.storage.snapshot(), provenance: 'copied' as const };
    this.storage = new MemoryStorage(ids, restored);
    const settings = { buckets: { [BUCKET as string]: { policy } } };
    this.core = new Subject(settings, this.storage).replica.core;
    this.#damage = new Damage(this.core, () => 'nobody');
    this.link = openLink(LINK, 'in', 'remote', undefined, 0);
    this.link.hello = helloOf('O');
    this.core.links.set(LINK, this.link);
    this.asker = new Asker(this.core, (_turn, _link, _bucket, report) => this.reports.push(report));
    this.answerer = new Answerer(this.core);
  }

  get bucket(): Bucket {
    const bucket = this.core.buckets.get(BUCKET);
    if (!bucket) throw new Error('no bucket');
    return bucket;
  }

  turn(act: (turn: Turn) => void): Step {
    const now = { mono: this.now, wall: EPOCH + this.now };
    const turn = new Turn(now, this.storage, this.core.counters, (...found) =>
      this.#damage.quarantine(...found),
    );
    act(turn);
    const step = turn.finish(Infinity, undefined);
    if (step.persist) this.storage.commit(step.persist);
    this.outbox.push(...step.sends.map(({ bytes }) => bytes));
    this.notes.push(...step.notes.map(({ event }) => event));
    return step;
  }

  /** Takes writes as if peers had sent them, one after the other. */
  learn(...ops: EntryWithoutDigest[]): void {
    this.turn((turn) => {
      for (const op of ops) {
        turn.apply(this.bucket, sealEntry(op));
        turn.cover(this.bucket, op.origin, [op.seq, op.seq]);
      }
    });
  }

  /** Loses an entry, as no sound store does: without a trace, sums included. */
  lose(key: string, dot: string): void {
    this.turn((turn) => {
      for (const entry of turn.get(this.bucket, key))
        if (dotToText(entry).startsWith(dot[0] as string) && entry.seq === Number(dot.slice(1)))
          turn.remove(this.bucket, entry);
    });
  }

  /** Makes entries stand whatever the policy says, as no sound store does. */
  force(key: string, ...ops: EntryWithoutDigest[]): void {
    const before = this.storage.get(BUCKET, key);
    this.turn((turn) => {
      for (const entry of before) turn.remove(this.bucket, entry);
      for (const op of ops) turn.cover(this.bucket, op.origin, [op.seq, op.seq]);
    });
    const after = ops.map(sealEntry);
    const empty = { vectors: [], floors: [], totals: [], damages: [], members: [] };
    this.storage.commit({ ...empty, puts: [{ bucket: BUCKET, key, before: [], after }] });
    for (const entry of after) if (isLive(entry)) this.bucket.fingerprint.add(entry.digest);
  }

  cover(vector: VersionVector): void {
    this.turn((turn) => turn.coverAll(this.bucket, vector));
  }

  /** Has dropped the tombstone of a key, and whatever it covers with it. */
  bury(key: string): void {
    this.turn((turn) => {
      const { bucket } = this;
      for (const entry of turn.get(bucket, key)) {
        if (isLive(entry)) continue;
        turn.remove(bucket, entry);
        if (entry.stamp > bucket.droppedUpTo) bucket.droppedUpTo = entry.stamp;
      }
      turn.raiseFloor(bucket, bucket.vector);
      turn.totalsChanged(bucket);
    });
  }

  start(mode: ReconcileMode): boolean {
    let started = false;
    this.turn((turn) => (started = this.asker.start(turn, this.link, this.bucket, mode)));
    return started;
  }

  wake(): Step {
    return this.turn((turn) => {
      this.asker.wake(turn);
      this.answerer.wake(turn);
    });
  }

  /** When it wants to be woken. */
  get wakeAt(): number {
    return Math.min(this.asker.nextWakeAt(this.now), this.answerer.nextWakeAt(this.now));
  }

  hear(message: Message): Step {
    const size = encodeMessage(message).length;
    return this.turn((turn) => {
      if (message.type === 'compare' || message.type === 'listing')
        this.answerer.ask(turn, this.link, message);
      else if (message.type === 'differ') this.asker.differ(this.link, message, size);
      else if (message.type === 'answer') this.asker.answer(turn, this.link, message, size);
      else if (message.type === 'cancel') this.asker.cancelled(turn, LINK, message.request, message.reason);
      else throw new Error(`not a part of reconciliation: ${message.type}`);
    });
  }

  /** Takes out what is to be sent. */
  said(): Message[] {
    return this.outbox.splice(0).map(decodeMessage);
  }

  get last(): ReconcileReport {
    const report = this.reports.at(-1);
    if (!report) throw new Error('no session has ended');
    return report;
  }

  /** What stands, `key=origin seq` with `-` before tombstones, in the order of keys and writes. */
  get held(): string {
    return [...this.storage.cells(BUCKET, {})].map(shownCell).join(' ');
  }

  /** The same, live entries only. */
  get live(): string {
    return [...this.storage.cells(BUCKET, {})]
      .map((cell) => cell.filter(isLive))
      .filter((cell) => cell.length > 0)
      .map(shownCell)
      .join(' ');
  }

  /** Whether the hash in memory is that of what stands. */
  get isHashRight(): boolean {
    const sum = Fingerprint.empty();
    for (const cell of this.storage.cells(BUCKET, {}))
      for (const entry of cell) if (isLive(entry)) sum.add(entry.digest);
    return sum.toText() === this.bucket.fingerprint.toText();
  }
}

const shownCell = (cell: Cell): string =>
  `${cell[0]?.key ?? ''}=${cell
    .map((entry) => `${isLive(entry) ? '' : '-'}${entry.origin[0] ?? ''}${entry.seq}`)
    .join('+')}`;

export type OnMessage = (from: Side, message: Message) => void;

/**
 * Lets both sides talk until neither has anything to say or to do, also when its time has come, stalls aside.
 * `onMessage` sees each message before it arrives.
 */
export function talk(a: Side, b: Side, onMessage: OnMessage = () => undefined): void {
  for (let idle = false; !idle;) {
    idle = true;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      if (from.wakeAt <= from.now) {
        from.wake();
        idle = false;
      }
      for (const message of from.said()) {
        idle = false;
        onMessage(from, message);
        to.hear(message);
      }
      from.link.flow.acknowledged = from.link.flow.sent;
    }
    const next = Math.min(a.wakeAt, b.wakeAt);
    if (idle && next < a.now + STALL_MS) {
      a.now = b.now = next;
      idle = false;
    }
  }
}

export const bothAsk = (a: Side, b: Side, mode: ReconcileMode = 'repair'): void => {
  a.start(mode);
  b.start(mode);
  talk(a, b);
};
