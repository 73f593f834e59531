import { toRumeurError } from '../base/errors.js';
import type { BucketName, PeerId, SessionId } from '../base/ids.js';
import { Random } from '../base/random.js';
import type { PolicyName } from '../data/policy.js';
import { AddressBook } from '../protocol/address-book.js';
import type { Broadcast } from '../protocol/broadcast.js';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Hello } from '../protocol/messages.js';
import { Plumtree } from '../protocol/plumtree.js';
import { AntiEntropy } from './anti-entropy.js';
import { Audit } from './audit.js';
import type { StoredState } from './batch.js';
import { type Bucket, openBucket } from './bucket.js';
import { Clock } from './clock.js';
import { type Core, newCounters, type ReplicaOptions } from './core.js';
import { Damage } from './damage.js';
import { DeltaPull } from './delta-pull.js';
import { DeltaSource } from './delta-source.js';
import { Broadcasting } from './gossip/broadcasting.js';
import { isMesh } from './gossip/mesh.js';
import { keeperOf } from './keeper.js';
import type { Members } from './members.js';
import { type LinkObserver, Membership } from './links/membership.js';
import type { Partings } from './links/partings.js';
import type { DownMarks, Liveness } from './links/suspicions.js';
import { OwnDelay } from './own-delay.js';
import { OwnOrigin } from './own-origin.js';
import { Receiver } from './receiver.js';
import { Repairs } from './repairs.js';
import { Retention } from './retention.js';
import type { Input, Now, Step } from './step.js';
import type { Suspect } from './suspect.js';
import { Turn } from './turn.js';
import { Verification } from './verification.js';
import type { View } from './view.js';
import { Writer } from './writer.js';

/** Inputs that change nothing of links and addresses, unless a message among them does. */
const ABOUT_DATA: ReadonlySet<Input['kind']> = new Set([
  'received',
  'writes',
  'flushed',
  'damaged',
  'unsound',
]);

export interface ReplicaSettings extends ReplicaOptions {
  readonly cluster: string;
  readonly buckets: Readonly<Record<string, { readonly policy: PolicyName }>>;
  /** Canonical urls of the config's peers. */
  readonly peers: readonly string[];
  readonly addresses: number;
  readonly dialBackoffMs: readonly [first: number, longest: number];
  /**
   * Makes what decides where news goes; default: broadcast trees.
   * @param isMesh whether all peers that are known are probably linked to each other
   */
  readonly broadcast?: (isMesh: () => boolean) => Broadcast;
}

const plumtree = (isMesh: () => boolean): Broadcast => new Plumtree(isMesh);

/**
 * The whole of a peer's logic as a deterministic state machine: `handle(input, now)` gives the step to perform. It does
 * no I/O and knows no timers; the same inputs, times and seed give the same steps.
 *
 * A step's batch must be committed to the store behind `view` before the next call.
 */
export class Replica {
  readonly core: Core;
  readonly antiEntropy: AntiEntropy;
  readonly #writer: Writer;
  readonly #broadcasting: Broadcasting;
  readonly #source: DeltaSource;
  readonly #pull: DeltaPull;
  readonly #membership: Membership;
  readonly #damage: Damage;
  readonly #audit: Audit;
  readonly #retention: Retention;
  readonly #repairs: Repairs;
  readonly #verification: Verification;
  readonly #receiver: Receiver;
  /** When links and addresses need a wake, as of when they changed last. */
  #linksWakeAt = 0;

  /**
   * @param stored what the store held when it was opened
   * @param seed 128 bits from a secure source: origins, sessions and jitter are drawn from them
   */
  constructor(
    settings: ReplicaSettings,
    stored: StoredState,
    view: View,
    seed: readonly [number, number, number, number],
  ) {
    const random = new Random(seed);
    const backoff = { ownUrl: settings.url, capacity: settings.addresses, backoffMs: settings.dialBackoffMs };
    this.core = {
      options: settings,
      self: {
        peer: stored.peerId,
        session: random.id() as SessionId,
        cluster: settings.cluster,
        protocol: [PROTOCOL_MIN, PROTOCOL_MAX],
      },
      random,
      view,
      clock: new Clock(stored.clock, settings.maxClockDriftMs),
      delay: new OwnDelay(),
      buckets: openBuckets(settings, stored),
      links: new Map(),
      addresses: new AddressBook(settings.peers, stored.addresses, backoff, random),
      counters: newCounters(),
      origin: stored.origin,
    };
    const broadcast = (settings.broadcast ?? plumtree)(
      () => !this.#membership.views.isCrowded && isMesh(this.core),
    );
    const suspect: Suspect = (...misdeed) => this.#membership.suspect(...misdeed);
    const leaveToDelta = (now: number): void => this.antiEntropy.considerAgain(now);
    this.#broadcasting = new Broadcasting(this.core, broadcast, { leaveToDelta, suspect });
    this.#writer = new Writer(this.core, this.#broadcasting.gossip);
    this.#source = new DeltaSource(this.core);
    this.#pull = new DeltaPull(this.core);
    this.#damage = new Damage(this.core, (...lost) => keeperOf(this.core, this.members, ...lost));
    this.#audit = new Audit(this.core, (...found) => this.#damage.unsound(...found));
    this.#retention = new Retention(this.core, stored.members, {
      suspect,
      met: (turn, link, member) => this.#membership.heardOf(turn, link, member),
    });
    const ownOrigin = new OwnOrigin(this.core, this.#writer, suspect);
    this.antiEntropy = new AntiEntropy(this.core, this.#pull, {
      membersHash: () => this.members.hash(),
      membersDiffer: (turn, link) => this.#retention.differ(turn, link),
      diverged: (turn, link, bucket) => this.#repairs.diverged(turn, link, bucket),
      sessions: () => this.#repairs,
    });
    this.#repairs = new Repairs(this.core, {
      considerAgain: (now) => this.antiEntropy.considerAgain(now),
      doubt: (bucket, now) => this.#damage.doubt(bucket, now),
      floorRaised: (turn, link) => ownOrigin.check(turn, link),
      compareWith: (turn, link) => this.antiEntropy.compareWith(turn, link),
      sessionEnded: (...ended) => this.#verification.sessionEnded(...ended),
    });
    this.#verification = new Verification(this.core, (...session) => this.#repairs.verify(...session));
    this.#membership = new Membership(this.core, broadcast, this.#linkObserver(), this.#downMarks());
    this.#receiver = new Receiver(this.core, {
      membership: this.#membership,
      broadcasting: this.#broadcasting,
      antiEntropy: this.antiEntropy,
      source: this.#source,
      pull: this.#pull,
      repairs: this.#repairs,
      retention: this.#retention,
      ownOrigin,
    });
  }

  /** The peers that tombstones wait for. */
  get members(): Members {
    return this.#retention.members;
  }

  /** Who is suspected of being gone, and who is held for down. */
  get liveness(): Liveness {
    return this.#membership.suspicions;
  }

  /** What was known of peers when their last links ended. */
  get partings(): Pick<Partings, 'of'> {
    return this.#membership.partings;
  }

  /** Whether there are too many peers to be linked to all. */
  get isCrowded(): boolean {
    return this.#membership.views.isCrowded;
  }

  /** How many links are wanted, if not one to each. */
  get linksWanted(): { readonly least: number; readonly most: number } | undefined {
    const { isCrowded, least, degree } = this.#membership.views;
    return isCrowded ? { least, most: degree } : undefined;
  }

  /** When all rows of the store had been read and checked last since it was opened, milliseconds since 1970. */
  get auditedAt(): number | undefined {
    return this.#audit.passedAt;
  }

  get peerId(): PeerId {
    return this.core.self.peer;
  }

  handle(input: Input, now: Now): Step {
    const turn = new Turn(now, this.core.view, this.core.counters, (...found) =>
      this.#damage.quarantine(...found),
    );
    this.core.delay.handling(now.mono);
    if (this.#writer.isBurnt) this.#writer.renew(turn);
    let linksChanged = !ABOUT_DATA.has(input.kind);
    switch (input.kind) {
      case 'writes':
        this.#writer.write(turn, input.writes);
        break;
      case 'received':
        for (const message of input.messages) {
          if (this.#receiver.receive(turn, message)) linksChanged = true;
        }
        break;
      case 'linkOpened':
        this.#membership.opened(turn, input.link, input.direction, input.remote, input.url);
        break;
      case 'linkClosed':
        this.#membership.closed(turn, input.link, input.reason);
        break;
      case 'dialFailed':
        this.#membership.dialFailed(turn, input.url, input.reason);
        break;
      case 'addPeer':
        this.#request(turn, input.request, () => this.#membership.addPeer(turn, input.url));
        break;
      case 'removePeer':
        this.#request(turn, input.request, () => this.#membership.removePeer(turn, input.target));
        break;
      case 'evict':
        this.#request(turn, input.request, () => this.#retention.evict(turn, input.target));
        break;
      case 'compare':
        this.antiEntropy.compareAll(turn, input.request);
        break;
      case 'verify':
        this.#verify(turn, input);
        break;
      case 'damaged':
        this.#lookAt(turn, input.bucket, input.key);
        break;
      case 'unsound':
        for (const bucket of this.core.buckets.values())
          if (input.bucket === undefined || input.bucket === bucket.name) this.#damage.unsound(turn, bucket);
        break;
      case 'flushed':
        this.#retention.flushed(turn, input.mark);
        break;
      case 'wake':
        this.#wake(turn);
        break;
      case 'leave':
        this.#membership.leave(turn);
        break;
    }
    // To walk all links and addresses for each message would cost more than to take it.
    if (linksChanged || turn.hasClosed) this.#linksWakeAt = this.#membership.nextWakeAt(now.mono);
    const wakeAt = this.#nextWakeAt(now.mono);
    this.core.delay.handled(wakeAt);
    return turn.finish(wakeAt, this.core.addresses.takeChanges());
  }

  #verify(turn: Turn, { request, target, bucket }: Extract<Input, { kind: 'verify' }>): void {
    try {
      this.#verification.begin(turn, request, target, bucket);
    } catch (error) {
      turn.reply(request, toRumeurError(error));
    }
  }

  #request(turn: Turn, request: number, perform: () => void): void {
    try {
      perform();
      turn.reply(request, { kind: 'done' });
    } catch (error) {
      turn.reply(request, toRumeurError(error));
    }
  }

  /** Reading a damaged row is enough: it is taken out on the way. */
  #lookAt(turn: Turn, name: BucketName, key: string): void {
    const bucket = this.core.buckets.get(name);
    if (bucket) turn.get(bucket, key);
  }

  #wake(turn: Turn): void {
    this.#membership.wake(turn);
    this.antiEntropy.wake(turn);
    // What follows reads the store, which is behind while this turn has writes of its own (a renewed origin's).
    if (!turn.wrote) this.#broadcasting.answers.serve(turn);
    if (!turn.wrote) this.#source.serve(turn);
    this.#broadcasting.wake(turn);
    this.#verification.wake(turn);
    this.#repairs.wake(turn);
    this.#retention.wake(turn);
    this.#damage.wake(turn);
    this.#audit.wake(turn);
  }

  #nextWakeAt(now: number): number {
    if (this.#source.busy || this.#writer.isBurnt) return now;
    return Math.min(
      this.#linksWakeAt,
      this.antiEntropy.nextWakeAt(now),
      this.#broadcasting.nextWakeAt(now),
      this.#verification.nextWakeAt(now),
      this.#repairs.nextWakeAt(now),
      this.#retention.nextWakeAt(now),
      this.#damage.nextWakeAt(now),
      this.#audit.nextWakeAt(now),
    );
  }

  #downMarks(): DownMarks {
    return {
      confirmedDown: (turn, peer) => this.members.markDown(turn, peer),
      isDown: (peer) => this.members.isDown(peer),
      numberOf: (peer) => this.members.get(peer)?.number,
    };
  }

  #linkObserver(): LinkObserver {
    return {
      linkUp: (turn, link, hello) => this.#linkUp(turn, link, hello),
      linkDown: (turn, link) => this.#linkDown(turn, link),
      linkResumed: (turn, link) => this.antiEntropy.linkResumed(turn, link),
    };
  }

  #linkUp(turn: Turn, link: Link, hello: Hello): void {
    this.#membership.heartbeat.ping(turn, link);
    this.antiEntropy.linkUp(turn, link, hello.buckets);
    this.#retention.linkUp(turn, link);
  }

  #linkDown(turn: Turn, link: Link): void {
    this.#broadcasting.linkDown(link.id);
    this.#source.linkDown(link.id);
    this.#pull.linkDown(link.id);
    this.#repairs.linkDown(turn, link.id);
    this.#retention.linkDown(turn, link.id);
    this.antiEntropy.linkDown(turn, link.id);
  }
}

const openBuckets = ({ buckets }: ReplicaSettings, stored: StoredState): Map<BucketName, Bucket> =>
  new Map(
    Object.entries(buckets).map(([name, { policy }]) => {
      const bucket = name as BucketName;
      return [bucket, openBucket(bucket, policy, stored.buckets.get(bucket))];
    }),
  );
