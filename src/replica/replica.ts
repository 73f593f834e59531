import { toRumeurError } from '../base/errors.js';
import type { BucketName, PeerId, SessionId } from '../base/ids.js';
import { Random } from '../base/random.js';
import type { PolicyName } from '../data/policy.js';
import { AddressBook } from '../protocol/address-book.js';
import { Flood } from '../protocol/broadcast.js';
import { decodeMessage } from '../protocol/codec.js';
import { MalformedMessage } from '../protocol/fields.js';
import { ACK_EVERY_BYTES, PROTOCOL_MAX, PROTOCOL_MIN } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Hello, Message } from '../protocol/messages.js';
import { AntiEntropy } from './anti-entropy.js';
import type { StoredState } from './batch.js';
import { openBucket } from './bucket.js';
import { Clock } from './clock.js';
import { type Core, newCounters, type ReplicaOptions } from './core.js';
import { DeltaPull } from './delta-pull.js';
import { DeltaSource } from './delta-source.js';
import { Gossip } from './gossip.js';
import { Membership } from './membership.js';
import type { Input, Now, Received, Step } from './step.js';
import { Turn } from './turn.js';
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
    this.antiEntropy = new AntiEntropy(this.core, this.#pull);
    this.#membership = new Membership(this.core, broadcast, {
      linkUp: (turn, link, hello) => this.#linkUp(turn, link, hello),
      linkDown: (turn, link) => this.#linkDown(turn, link),
      linkResumed: (turn, link) => this.antiEntropy.linkResumed(turn, link),
    });
  }

  get peerId(): PeerId {
    return this.core.self.peer;
  }

  handle(input: Input, now: Now): Step {
    const turn = new Turn(now, this.core.view, this.core.counters);
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
      case 'wake':
        this.#wake(turn);
        break;
      case 'leave':
        this.#membership.leave(turn);
        break;
    }
    return turn.finish(this.#nextWakeAt(now.mono), this.core.addresses.takeChanges());
  }

  #request(turn: Turn, request: number, perform: () => void): void {
    try {
      perform();
      turn.reply(request, []);
    } catch (error) {
      turn.reply(request, toRumeurError(error));
    }
  }

  #wake(turn: Turn): void {
    this.#membership.wake(turn);
    this.antiEntropy.wake(turn);
    // A scan reads the store, which is behind while this turn has writes of its own (a renewed origin's).
    if (!turn.wrote) this.#source.serve(turn);
  }

  #nextWakeAt(now: number): number {
    if (this.#source.busy || this.#writer.isBurnt) return now;
    return Math.min(this.#membership.nextWakeAt(), this.antiEntropy.nextWakeAt(now));
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
      this.#dispatch(turn, link, message, bytes);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#membership.violation(turn, link, error.message);
    }
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
        return this.#checkOwnOrigin();
      case 'digest':
        return this.antiEntropy.digest(turn, link, message);
      case 'same':
        return this.antiEntropy.same(link, message);
      case 'vectors':
        this.antiEntropy.vectors(turn, link, message);
        return this.#checkOwnOrigin(link);
      case 'deltaRequest':
        return this.#source.request(turn, link, message);
      case 'chunk': {
        const done = this.#pull.receive(turn, link, message, bytes.length);
        if (done) this.antiEntropy.pulled(turn, done.entries);
        return this.#checkOwnOrigin();
      }
      case 'credit':
        return this.#source.credit(link, message.request, message.chunks);
      case 'cancel':
        this.#source.cancel(link.id, message.request);
        if (this.#pull.cancelled(link.id, message.request)) this.antiEntropy.considerAgain(turn.now);
        return;
      case 'below':
        throw new MalformedMessage('below, which needs reconciliation, is not part of this version');
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

  /** Whether we, or the peer behind `link`, cover writes of our origin that we never made. */
  #checkOwnOrigin(link?: Link): void {
    for (const bucket of this.core.buckets.values()) {
      const covered = link ? link.vectors.get(bucket.name) : bucket.vector;
      if (covered) this.#writer.check(bucket, covered);
    }
  }

  #linkUp(turn: Turn, link: Link, hello: Hello): void {
    this.#membership.heartbeat.ping(turn, link);
    this.antiEntropy.linkUp(turn, link, hello.buckets);
  }

  #linkDown(turn: Turn, link: Link): void {
    this.#source.linkDown(link.id);
    this.#pull.linkDown(link.id);
    this.antiEntropy.linkDown(turn, link.id);
  }
}
