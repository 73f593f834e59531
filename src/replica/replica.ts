import { toRumeurError } from '../base/errors.js';
import type { BucketName, PeerId, SessionId } from '../base/ids.js';
import { Random } from '../base/random.js';
import type { Dot } from '../data/dot.js';
import type { PolicyName } from '../data/policy.js';
import { AddressBook } from '../protocol/address-book.js';
import { Flood } from '../protocol/broadcast.js';
import { decodeMessage } from '../protocol/codec.js';
import { MalformedMessage } from '../protocol/fields.js';
import { ACK_EVERY_BYTES, PROTOCOL_MAX, PROTOCOL_MIN } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Cancel, Hello, Message } from '../protocol/messages.js';
import { AntiEntropy } from './anti-entropy.js';
import { Audit } from './audit.js';
import type { StoredState } from './batch.js';
import { type Bucket, openBucket } from './bucket.js';
import { Clock } from './clock.js';
import { type Core, newCounters, type ReplicaOptions } from './core.js';
import { Damage, type Keeper } from './damage.js';
import { DeltaPull } from './delta-pull.js';
import { DeltaSource } from './delta-source.js';
import { Gossip } from './gossip.js';
import type { Members } from './members.js';
import { Membership } from './membership.js';
import { Repairs } from './repairs.js';
import { Retention } from './retention.js';
import type { Input, Now, Received, Step } from './step.js';
import { Turn } from './turn.js';
import { Verification } from './verification.js';
import type { View } from './view.js';
import { Writer } from './writer.js';

export interface ReplicaSettings extends ReplicaOptions {
  readonly cluster: string;
  readonly buckets: Readonly<Record<string, { readonly policy: PolicyName }>>;
  /** Canonical urls of the config's peers. */
  readonly peers: readonly string[];
  readonly addresses: number;
  readonly dialBackoffMs: readonly [first: number, longest: number];
}

/** What it counts as a misdeed when a link's other side knows of our origin what we do not: a third time ends the link. */
const ACCUSATION = 34;

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
  readonly #gossip: Gossip;
  readonly #source: DeltaSource;
  readonly #pull: DeltaPull;
  readonly #membership: Membership;
  readonly #damage: Damage;
  readonly #audit: Audit;
  readonly #retention: Retention;
  readonly #repairs: Repairs;
  readonly #verification: Verification;

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
    const buckets = Object.entries(settings.buckets).map(([name, { policy }]) => {
      const bucket = name as BucketName;
      return [bucket, openBucket(bucket, policy, stored.buckets.get(bucket))] as const;
    });
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
      buckets: new Map(buckets),
      links: new Map(),
      addresses: new AddressBook(settings.peers, stored.addresses, backoff, random),
      counters: newCounters(),
      origin: stored.origin,
    };
    const broadcast = new Flood();
    this.#gossip = new Gossip(this.core, broadcast);
    this.#writer = new Writer(this.core, this.#gossip);
    this.#source = new DeltaSource(this.core);
    this.#pull = new DeltaPull(this.core);
    this.#damage = new Damage(this.core, (...lost) => this.#keeperOf(...lost));
    this.#audit = new Audit(this.core);
    this.#retention = new Retention(this.core, stored.members);
    this.antiEntropy = new AntiEntropy(this.core, this.#pull, {
      membersHash: () => this.members.hash(),
      membersDiffer: (turn, link) => this.#retention.differ(turn, link),
      diverged: (turn, link, bucket) => this.#repairs.diverged(turn, link, bucket),
      isReconciling: (bucket) => this.#repairs.isReconciling(bucket),
    });
    this.#repairs = new Repairs(this.core, {
      considerAgain: (now) => this.antiEntropy.considerAgain(now),
      doubt: (bucket, now) => this.#damage.doubt(bucket, now),
      floorRaised: (turn, link) => this.#checkOwnOrigin(turn, link),
      compareWith: (turn, link) => this.antiEntropy.compareWith(turn, link),
      sessionEnded: (...ended) => this.#verification.sessionEnded(...ended),
    });
    this.#verification = new Verification(this.core, (...session) => this.#repairs.verify(...session));
    this.#membership = new Membership(this.core, broadcast, {
      linkUp: (turn, link, hello) => this.#linkUp(turn, link, hello),
      linkDown: (turn, link) => this.#linkDown(turn, link),
      linkResumed: (turn, link) => this.antiEntropy.linkResumed(turn, link),
    });
  }

  /** The peers that tombstones wait for. */
  get members(): Members {
    return this.#retention.members;
  }

  get peerId(): PeerId {
    return this.core.self.peer;
  }

  handle(input: Input, now: Now): Step {
    const turn = new Turn(now, this.core.view, this.core.counters, (...found) =>
      this.#damage.quarantine(...found),
    );
    if (this.#damage.isStale) this.#damage.recount(turn);
    if (this.#writer.isBurnt) this.#writer.renew(turn);
    switch (input.kind) {
      case 'writes':
        this.#writer.write(turn, input.writes);
        break;
      case 'received':
        for (const message of input.messages) this.#receive(turn, message);
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
    return turn.finish(this.#nextWakeAt(now.mono), this.core.addresses.takeChanges());
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
    if (!turn.wrote) this.#source.serve(turn);
    this.#verification.wake(turn);
    this.#repairs.wake(turn);
    this.#retention.wake(turn);
    this.#damage.wake(turn);
    this.#audit.wake(turn);
  }

  #nextWakeAt(now: number): number {
    if (this.#source.busy || this.#writer.isBurnt || this.#damage.isStale) return now;
    return Math.min(
      this.#membership.nextWakeAt(),
      this.antiEntropy.nextWakeAt(now),
      this.#verification.nextWakeAt(now),
      this.#repairs.nextWakeAt(now),
      this.#retention.nextWakeAt(now),
      this.#damage.nextWakeAt(now),
      this.#audit.nextWakeAt(now),
    );
  }

  #receive(turn: Turn, { link: id, bytes }: Received): void {
    const link = this.core.links.get(id);
    if (!link || link.closing) return;
    link.lastHeardAt = turn.now;
    this.core.counters.bytesReceived += bytes.length;
    try {
      const message = decodeMessage(bytes);
      if (!link.hello && message.type !== 'hello' && message.type !== 'goodbye') {
        throw new MalformedMessage(`${message.type} before hello`);
      }
      this.#acknowledge(turn, link, bytes.length);
      if (this.#isExpected(link, message)) this.#dispatch(turn, link, message, bytes);
      else if (!this.#isLate(message)) {
        this.#membership.suspect(turn, link, `${message.type} that nobody asked for`);
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#membership.violation(turn, link, error.message);
    }
  }

  /** Answers belong to a question of ours (rule 7). One that was given up may still be on its way. */
  #isExpected(link: Link, message: Message): boolean {
    const { type } = message;
    if (type === 'chunk' || type === 'below') return this.#pull.awaits(link.id, message.request);
    if (type === 'differ' || type === 'answer') return this.#repairs.awaits(link.id, message.request);
    return true;
  }

  /** What was under way when its delta ended. */
  #isLate(message: Message): boolean {
    return message.type === 'chunk' && this.#pull.awaited(message.request);
  }

  #acknowledge(turn: Turn, link: Link, bytes: number): void {
    const { flow } = link;
    flow.received += bytes;
    if (flow.received - flow.receivedAcknowledged < ACK_EVERY_BYTES) return;
    flow.receivedAcknowledged = flow.received;
    turn.send(link, { type: 'ack', bytes: flow.received });
  }

  #dispatch(turn: Turn, link: Link, message: Message, bytes: Uint8Array): void {
    switch (message.type) {
      case 'hello':
        if (link.hello) throw new MalformedMessage('a second hello');
        return this.#membership.hello(turn, link, message);
      case 'goodbye':
        return this.#membership.goodbye(turn, link, message);
      case 'push':
        this.#gossip.receive(turn, link, message, bytes);
        return this.#checkOwnOrigin(turn, link);
      case 'digest':
        return this.antiEntropy.digest(turn, link, message);
      case 'same':
        return this.antiEntropy.same(turn, link, message);
      case 'vectors':
        this.antiEntropy.vectors(turn, link, message);
        return this.#checkOwnOrigin(turn, link);
      case 'deltaRequest':
        return this.#source.request(turn, link, message);
      case 'chunk': {
        const done = this.#pull.receive(turn, link, message, bytes.length);
        if (done) this.antiEntropy.pulled(turn, done.entries);
        return this.#checkOwnOrigin(turn, link);
      }
      case 'credit':
        return this.#source.credit(link, message.request, message.chunks);
      case 'cancel':
        return this.#cancelled(turn, link, message);
      case 'below': {
        const bucket = this.#pull.below(link.id, message.request);
        if (bucket) this.#repairs.below(turn, link, bucket);
        return;
      }
      case 'compare':
      case 'listing':
        return this.#repairs.question(turn, link, message);
      case 'differ':
        this.#repairs.differ(link, message, bytes.length);
        return this.#checkOwnOrigin(turn, link);
      case 'answer':
        return this.#repairs.answer(turn, link, message, bytes.length);
      case 'roster':
        return this.#retention.roster(turn, link, message);
      case 'members':
        return this.#retention.told(turn, link, message);
      case 'ping':
        return this.#membership.heartbeat.pinged(turn, link, message);
      case 'pong':
        return this.#membership.heartbeat.ponged(turn, link, message);
      case 'peers':
        return this.#membership.peers(turn, link, message);
      case 'ack':
        link.flow.acknowledged = Math.max(link.flow.acknowledged, Math.min(message.bytes, link.flow.sent));
        return;
    }
  }

  /** Ends a delta that we serve or get, or a session of ours. */
  #cancelled(turn: Turn, link: Link, { request, reason }: Cancel): void {
    this.#source.cancel(link.id, request);
    if (this.#pull.cancelled(link.id, request)) this.antiEntropy.considerAgain(turn.now);
    this.#repairs.cancelled(turn, link.id, request, reason);
  }

  /** Whether we, or the peer behind the link, know of writes of our origin that we never made: once in a store's life. */
  #checkOwnOrigin(turn: Turn, link: Link): void {
    for (const bucket of this.core.buckets.values()) {
      const known = [bucket.vector, bucket.floor, link.vectors.get(bucket.name)];
      const isBurnt = known.some((dots) => dots && this.#writer.check(bucket, dots));
      if (isBurnt)
        this.#membership.suspect(turn, link, 'writes of our origin that we never made', ACCUSATION);
    }
  }

  #keeperOf(bucket: Bucket, dot: Dot, since: number): Keeper {
    const linked = new Set<PeerId | undefined>();
    for (const { id, hello, vectors } of this.core.links.values()) {
      linked.add(hello?.peer);
      // Two damaged peers can claim nothing to each other, only say by an exact delta that they do not hold it.
      const isWithheld = bucket.held.get(id)?.dots.covers(dot) === true;
      if (vectors.get(bucket.name)?.covers(dot) && !isWithheld) return 'neighbour';
    }
    // What a member announced before the loss may be older than what it got: only a later word says no.
    const mayHave = ({ peer, vectors }: MemberRecord): boolean => {
      const known = new Map(vectors).get(bucket.name);
      return (this.members.heardAt(peer) ?? 0) <= since || known?.covers(dot) === true;
    };
    const isAway = this.members
      .counted()
      .some((member) => member.peer !== this.peerId && !linked.has(member.peer) && mayHave(member));
    return isAway ? 'away' : 'nobody';
  }

  #linkUp(turn: Turn, link: Link, hello: Hello): void {
    this.#membership.heartbeat.ping(turn, link);
    this.antiEntropy.linkUp(turn, link, hello.buckets);
    this.#retention.linkUp(turn, link);
  }

  #linkDown(turn: Turn, link: Link): void {
    this.#source.linkDown(link.id);
    this.#pull.linkDown(link.id);
    this.#repairs.linkDown(turn, link.id);
    this.#retention.linkDown(link.id);
    this.antiEntropy.linkDown(turn, link.id);
  }
}
