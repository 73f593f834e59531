import type { BucketName, OriginId, PeerId } from '../../../src/base/ids.js';
import { isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import { type Intervals, subtract } from '../../../src/data/intervals.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import type { Put, VectorRow } from '../../../src/replica/batch.js';
import type { Bucket } from '../../../src/replica/bucket.js';
import type { Input, Note, Step } from '../../../src/replica/step.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import type { Acknowledged } from '../../../simulator/sim-peer-options.js';
import type { Observer, World } from '../../../simulator/world.js';
import { Violation } from '../violation.js';
import { checkCell, isUncertain } from './cells.js';
import { DamageWatch } from './damage.js';
import { type BucketLog, isSameDot, OpLog } from './op-log.js';
import { setOf } from './per-peer.js';
import { RoundWatch } from './rounds.js';
import { SessionWatch } from './sessions.js';
import { checkStore } from './stores.js';
import {
  checkAnnouncements,
  checkDrop,
  checkShed,
  FloorWatch,
  flushedVector,
  vanished,
} from './tombstones.js';
import { checkRevived, checkSameWrite, checkSeen } from './writes.js';

/** What a peer covered after its last step, by bucket and origin. */
type Covered = Map<string, Intervals>;

/** Some hundred times what a run needs. */
const MOST_STEPS = 150_000;

/** Intervals that one origin may be covered in, far more than was ever seen. */
const MOST_INTERVALS = 200;

/**
 * Looks at every step of every peer, keeps the log of all writes, and throws a `Violation` at once when one of the
 * replication rules' predicates does not hold.
 */
export class Witness implements Observer {
  readonly log = new OpLog();
  /** Writes whose callers were told that they are done, and that no disk has lost since. */
  promises: { readonly peer: SimPeer; readonly name: BucketName; readonly entry: Entry }[] = [];
  /** Origins under which a peer wrote whose old store had been put back unnoticed: it may have written again. */
  readonly burnt = new Set<OriginId>();
  /** Checks made, by name: a measure of work done. */
  readonly made = new Map<string, number>();
  readonly #world: World;
  readonly #covered = new Map<SimPeer, Covered>();
  readonly #members = new Map<SimPeer, Map<PeerId, MemberRecord>>();
  /** What reconciliation took out of each peer's store, as bucket and dot. */
  readonly #shed = new Map<SimPeer, Set<string>>();
  /** Keys under which each peer has found a damaged row, or written in the same step. */
  readonly #torn = new Map<SimPeer, Set<string>>();
  /** What nobody had any more, as bucket and dot. */
  readonly #givenUp = new Set<string>();
  /** Rows that the peers found to be damaged. */
  #damages = 0;
  readonly #floors = new FloorWatch();
  readonly #damage = new DamageWatch();
  readonly #sessions = new SessionWatch();
  readonly rounds = new RoundWatch();
  /** All disks must cover what is dropped: nobody outside ever writes. */
  readonly #membersOnly: boolean;

  constructor(world: World, membersOnly: boolean) {
    this.#world = world;
    this.#membersOnly = membersOnly;
    world.observer = this;
  }

  /** Whether what lives must be just what the policies leave of all that was written. */
  get isIdeal(): boolean {
    return this.#membersOnly && !this.#world.tainted;
  }

  /** Whether a peer has found a damaged row: then a good deal is done that would not be done else. */
  get hasDamages(): boolean {
    return this.#damages > 0;
  }

  /** Notes at the level of errors that have their cause in what was done to the peers. */
  get allowedNotes(): ReadonlySet<string> {
    const damages = this.#damages > 0 ? ['row-damaged', 'row-lost', 'divergence'] : [];
    const twice = this.#world.tainted ? ['dot-used-twice'] : [];
    return new Set(this.isIdeal ? damages : [...damages, ...twice, 'divergence']);
  }

  /** Whether nothing is missing from damaged rows. */
  get isWhole(): boolean {
    return this.#world.running.every((peer) =>
      [...bucketsOf(peer)].every(({ damages }) => damages.size === 0),
    );
  }

  /** Whether something is missing from a damaged row that nobody else covers: nothing can bring it back. */
  get isLost(): boolean {
    const { running } = this.#world;
    return running.some((peer) =>
      [...bucketsOf(peer)].some(({ name, damages }) =>
        [...damages.values()].some(
          (mark) => !running.some((other) => other.bucketNamed(name).vector.covers(mark)),
        ),
      ),
    );
  }

  count(what: string, n = 1): void {
    this.made.set(what, (this.made.get(what) ?? 0) + n);
  }

  membersOf(peer: SimPeer): MemberRecord[] {
    return [...(this.#members.get(peer)?.values() ?? [])];
  }

  started(peer: SimPeer): void {
    const covered: Covered = new Map();
    for (const { name, vector } of peer.replica.core.buckets.values()) {
      for (const [origin, intervals] of vector.entries()) covered.set(`${name} ${origin}`, intervals);
    }
    this.#covered.set(peer, covered);
    this.#floors.started(peer);
    this.rounds.started(peer);
    const { members } = peer.storage.initial;
    this.#members.set(peer, new Map(members.map((record) => [record.peer, record])));
    if (this.#world.tainted) return;
    checkStore(peer);
    this.checkAll(peer);
  }

  /** Every key of a peer. */
  checkAll(peer: SimPeer): void {
    for (const name of this.#world.buckets) {
      const log = this.log.of(peer, name);
      for (const key of log.keys()) this.#checkCell(peer, name, key);
    }
    this.count('coverage');
  }

  /** Whether it stood in damaged rows only, or superseded or was superseded by what did. */
  isGivenUp(name: BucketName, op: Entry, log: BucketLog): boolean {
    if (this.#givenUp.size === 0) return false;
    return log
      .of(op.key)
      .some((lost) => this.#givenUp.has(`${name} ${dotToText(lost)}`) && isRelated(log, lost, op));
  }

  #checkCell(peer: SimPeer, name: BucketName, key: string): void {
    const shed = this.#shed.get(peer);
    const isShed = (op: Entry): boolean => {
      const place = `${name} ${dotToText(op)}`;
      const isMarked = shed?.has(place) === true && peer.bucketNamed(name).floor.covers(op);
      return isMarked || this.#givenUp.has(place);
    };
    const log = this.log.of(peer, name);
    checkCell(peer, name, key, log, isShed, (op) => this.isGivenUp(name, op, log));
  }

  handled(peer: SimPeer, input: Input, step: Step): void {
    if (this.#world.steps > MOST_STEPS)
      throw new Violation('storm', `more than ${MOST_STEPS} steps: somebody is busy for nothing`);
    this.rounds.handled(peer, input, step, this.#world.now);
    this.count('reconciliations', step.notes.filter(({ event }) => event === 'reconciled').length);
    const batch = step.persist;
    for (const record of batch?.members ?? []) this.#members.get(peer)?.set(record.peer, record);
    this.#recordWrites(peer, input, step);
    for (const put of batch?.puts ?? []) this.#record(peer, put);
    this.#damages += batch?.damages.length ?? 0;
    for (const note of step.notes) if (note.event === 'row-lost') this.#gaveUp(peer, note);
    if (!this.#world.tainted) this.#checkRevived(peer, input, step);
    const changed = this.#changed(peer, batch?.vectors ?? []);
    if (this.#world.tainted) return;
    for (const put of batch?.puts ?? []) {
      this.#checkPut(peer, put, step);
      changed.add(placeOf(put.bucket, put.key));
    }
    for (const place of changed) {
      const { name, key } = partsOf(place);
      this.#checkCell(peer, name, key);
    }
    this.count('cells', changed.size);
    this.#floors.handled(peer, step);
    checkAnnouncements(peer, input, step);
    this.#damage.handled(peer, input, step);
    this.#sessions.handled(peer, input, step);
  }

  #checkRevived(peer: SimPeer, input: Input, { persist, notes }: Step): void {
    // Under a new origin what was written twice is fetched anew.
    if (notes.some(({ event }) => event === 'origin-changed')) return;
    for (const put of persist?.puts ?? []) {
      checkRevived(
        peer,
        input,
        put,
        (name, { origin }) => this.#covered.get(peer)?.get(`${name} ${origin}`) ?? [],
      );
    }
  }

  /** Of several writes of one key the batch shows what the last one left. */
  #recordWrites(peer: SimPeer, input: Input, { persist, replies }: Step): void {
    if (input.kind !== 'writes') return;
    const cells = new Map(persist?.puts.map((put) => [placeOf(put.bucket, put.key), put.before]));
    for (const { request, bucket } of input.writes) {
      const outcome = replies.find((reply) => reply.request === request)?.outcome;
      if (outcome === undefined || outcome instanceof Error || outcome.kind !== 'written') continue;
      for (const { entry, cell } of outcome.results) {
        if (!entry) continue;
        const place = placeOf(bucket, entry.key);
        this.#record(peer, { bucket, key: entry.key, before: cells.get(place) ?? [], after: cell });
        cells.set(place, cell);
      }
    }
  }

  /** New writes are those of the peer's own origin that were not there before. */
  #record(peer: SimPeer, { bucket: name, before, after }: Put): void {
    const log = this.log.of(peer, name);
    for (const entry of after) {
      if (entry.origin !== peer.replica.core.origin || before.some((former) => isSameDot(former, entry)))
        continue;
      const known = log.find(entry);
      if (known && !this.#world.tainted) {
        checkSameWrite(known, entry);
        continue;
      }
      if (!this.#world.tainted) checkSeen(entry, before, after);
      log.record(entry, this.#world.tainted);
      if (peer.tainted) this.burnt.add(entry.origin);
      const replaced = before.filter((former) => !after.some((stays) => isSameDot(stays, former)));
      const above = replaced.find((former) => former.stamp >= entry.stamp);
      if (above && !this.#world.tainted) {
        throw new Violation('stamp', `${dotToText(entry)} replaces ${dotToText(above)} and is not above it`);
      }
    }
  }

  /** The keys of dots that came to be covered. */
  #changed(peer: SimPeer, rows: readonly VectorRow[]): Set<string> {
    const places = new Set<string>();
    const covered = this.#covered.get(peer);
    for (const { bucket: name, origin, intervals } of rows) {
      const id = `${name} ${origin}`;
      const fresh = subtract(intervals, covered?.get(id) ?? []);
      covered?.set(id, intervals);
      if (this.#world.tainted) continue;
      this.#keysOf(peer, name, origin, fresh, places);
      if (intervals.length / 2 > MOST_INTERVALS) {
        throw new Violation('intervals', `${peer.url} covers ${origin} in ${intervals.length / 2} intervals`);
      }
    }
    return places;
  }

  #keysOf(peer: SimPeer, name: BucketName, origin: OriginId, fresh: Intervals, places: Set<string>): void {
    const log = this.log.of(peer, name);
    for (let i = 0; i < fresh.length; i += 2) {
      for (let seq = fresh[i] as number; seq <= (fresh[i + 1] as number); seq++) {
        const op = log.find({ origin, seq });
        if (op) places.add(placeOf(name, op.key));
        else
          throw new Violation(
            'invented',
            `${peer.url} covers ${origin}.${seq} in '${name}', which nobody wrote`,
          );
      }
    }
  }

  #checkPut(peer: SimPeer, put: Put, step: Step): void {
    const { bucket: name, key } = put;
    const isRepair = step.persist?.damages.some(({ bucket }) => bucket === name) === true;
    if (isRepair) setOf(this.#torn, peer).add(placeOf(name, key));
    if (isRepair || isUncertain(peer, peer.bucketNamed(name), key)) return;
    const log = this.log.of(peer, name);
    for (const entry of vanished(put, log)) {
      if (isLive(entry)) {
        checkShed(peer, entry, log);
        setOf(this.#shed, peer).add(`${name} ${dotToText(entry)}`);
        this.count('sheds');
      } else {
        checkDrop(peer, name, entry, this.membersOf(peer), this.#keepersOf(name, key));
        this.count('drops');
      }
    }
  }

  /** Where nobody outside ever writes: whose disks must cover what is dropped. What a damaged row lost there may be on its way back. */
  #keepersOf(name: BucketName, key: string): SimPeer[] {
    if (!this.#membersOnly) return [];
    return this.#world.peers.filter((peer) => !this.#torn.get(peer)?.has(placeOf(name, key)));
  }

  acknowledged(peer: SimPeer, writes: readonly Acknowledged[]): void {
    for (const { bucket: name, entry } of writes) this.promises.push({ peer, name, entry });
  }

  /** A damaged entry that nobody is said to have any more: nobody must have it, and nobody can be blamed. */
  #gaveUp(peer: SimPeer, { fields }: Note): void {
    const [name, dot] = [String(fields?.['bucket']) as BucketName, String(fields?.['dot'])];
    this.count('rows given up');
    this.#givenUp.add(`${name} ${dot}`);
    const log = this.log.of(peer, name);
    const lost = log.ops.find((op) => dotToText(op) === dot);
    if (!lost) return;
    const { key } = lost;
    this.promises = this.promises.filter(
      ({ name: other, entry }) => other !== name || entry.key !== key || !isRelated(log, lost, entry),
    );
    for (const other of this.#world.running) {
      const held = other.storage.get(name, key).some((entry) => dotToText(entry) === dot);
      if (!held || this.#world.tainted || other.storage.isDamaged(name, key)) continue;
      throw new Violation('given-up', `${peer.url} gives up ${dot} of '${key}', which ${other.url} has`);
    }
  }

  /** A write crosses each link at most once in a direction, unless it was lost from a damaged row, or its dot names two. */
  pushedTwice(_: SimPeer, to: SimPeer, dot: string): void {
    if (this.#damages === 0 && !this.#world.tainted)
      throw new Violation('twice', `${dot} was pushed to ${to.url} twice over one link`);
  }

  /** What no disk has any more is lost; nobody can be blamed. */
  diskReplaced(): void {
    const disks = this.#world.peers.map(
      (peer) => new Map(this.#world.buckets.map((name) => [name, flushedVector(peer, name)])),
    );
    this.promises = this.promises.filter(({ name, entry }) =>
      disks.some((disk) => disk.get(name)?.covers(entry)),
    );
  }
}

const isRelated = (log: BucketLog, a: Entry, b: Entry): boolean =>
  isSameDot(a, b) || log.supersedes(a, b) || log.supersedes(b, a);

const bucketsOf = (peer: SimPeer): Iterable<Bucket> => peer.replica.core.buckets.values();

const placeOf = (name: BucketName, key: string): string => `${name} ${key}`;

function partsOf(place: string): { name: BucketName; key: string } {
  const at = place.indexOf(' ');
  return { name: place.slice(0, at) as BucketName, key: place.slice(at + 1) };
}
