import { decodeMessage } from '../protocol/codec.js';
import { MalformedMessage } from '../protocol/fields.js';
import { ACK_EVERY_BYTES } from '../protocol/limits.js';
import type { Link } from '../protocol/link.js';
import type { Cancel, Graft, Have, Message, Prune, Push } from '../protocol/messages.js';
import type { AntiEntropy } from './anti-entropy.js';
import type { Core } from './core.js';
import type { DeltaPull } from './delta-pull.js';
import type { DeltaSource } from './delta-source.js';
import type { Broadcasting } from './gossip/broadcasting.js';
import type { Membership } from './links/membership.js';
import { affords } from './links/quotas.js';
import type { OwnOrigin } from './own-origin.js';
import type { Repairs } from './repairs.js';
import type { Retention } from './retention.js';
import type { Received } from './step.js';
import type { Turn } from './turn.js';

/** What says nothing of links, addresses and round trips: by far the most of what comes in. */
const ABOUT_DATA: ReadonlySet<Message['type']> = new Set([
  'push',
  'have',
  'graft',
  'prune',
  'chunk',
  'credit',
  'ack',
  'digest',
  'same',
  'vectors',
]);

/** Who takes the messages. */
export interface Recipients {
  readonly membership: Membership;
  readonly broadcasting: Broadcasting;
  readonly antiEntropy: AntiEntropy;
  readonly source: DeltaSource;
  readonly pull: DeltaPull;
  readonly repairs: Repairs;
  readonly retention: Retention;
  readonly ownOrigin: OwnOrigin;
}

/** Opens what comes in on the links, and hands it to those whom it concerns; who breaks the protocol is sent away. */
export class Receiver {
  readonly #core: Core;
  readonly #to: Recipients;

  constructor(core: Core, to: Recipients) {
    this.#core = core;
    this.#to = to;
  }

  /** @returns whether it may have changed what is known of links and addresses */
  receive(turn: Turn, { link: id, bytes }: Received): boolean {
    const link = this.#core.links.get(id);
    if (!link || link.closing) return false;
    link.heardAt = this.#core.delay.awake(turn.now);
    this.#core.counters.bytesReceived += bytes.length;
    try {
      const message = decodeMessage(bytes);
      if (!link.hello && message.type !== 'hello' && message.type !== 'goodbye') {
        throw new MalformedMessage(`${message.type} before hello`);
      }
      acknowledge(turn, link, bytes.length);
      if (!affords(link, message, turn.now)) {
        this.#to.membership.suspect(turn, link, `more ${message.type} than anybody needs`);
      } else if (this.#isExpected(link, message)) this.#dispatch(turn, link, message, bytes);
      else if (!this.#isLate(link, message)) {
        this.#to.membership.suspect(turn, link, `${message.type} that nobody asked for`);
      }
      return !ABOUT_DATA.has(message.type);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#to.membership.violation(turn, link, error.message);
      return true;
    }
  }

  /** Answers belong to a question of ours (rule 7). */
  #isExpected(link: Link, message: Message): boolean {
    const { type } = message;
    if (type === 'chunk' || type === 'below') return this.#to.pull.awaits(link.id, message.request);
    if (type === 'differ' || type === 'answer') return this.#to.repairs.awaits(link.id, message.request);
    if (type === 'shuffled') return this.#to.membership.shuffles.awaits(link, message);
    if (type === 'probed') return this.#to.membership.suspicions.awaits(link, message);
    return true;
  }

  /** What was under way when its question was given up. */
  #isLate({ id }: Link, message: Message): boolean {
    const { type } = message;
    if (type === 'chunk' || type === 'below') return this.#to.pull.awaited(message.request);
    if (type === 'differ' || type === 'answer') return this.#to.repairs.isLate(id, message.request);
    return false;
  }

  #dispatch(turn: Turn, link: Link, message: Message, bytes: Uint8Array): void {
    const { membership, antiEntropy, source, repairs, retention, ownOrigin } = this.#to;
    switch (message.type) {
      case 'hello':
        if (link.hello) throw new MalformedMessage('a second hello');
        return membership.hello(turn, link, message);
      case 'goodbye':
        return membership.goodbye(turn, link, message);
      case 'push':
      case 'have':
      case 'graft':
      case 'prune':
        return this.#news(turn, link, message, bytes);
      case 'digest':
        return antiEntropy.digest(turn, link, message);
      case 'same':
        return antiEntropy.same(turn, link, message);
      case 'vectors':
        antiEntropy.vectors(turn, link, message);
        return ownOrigin.check(turn, link);
      case 'deltaRequest':
        return source.request(turn, link, message);
      case 'chunk': {
        const done = this.#to.pull.receive(turn, link, message, bytes.length);
        if (done) antiEntropy.pulled(turn, done.hasNews);
        return ownOrigin.check(turn, link);
      }
      case 'credit':
        return source.credit(link, message.request, message.chunks);
      case 'cancel':
        return this.#cancelled(turn, link, message);
      case 'below': {
        const bucket = this.#to.pull.below(turn, link.id, message.request);
        if (bucket) repairs.below(turn, link, bucket);
        else antiEntropy.considerAgain(turn.now);
        return;
      }
      case 'compare':
      case 'listing':
        return repairs.question(turn, link, message);
      case 'differ':
        repairs.differ(link, message, bytes.length);
        return ownOrigin.check(turn, link);
      case 'answer':
        repairs.answer(turn, link, message, bytes.length);
        return ownOrigin.check(turn, link);
      case 'roster':
        return retention.roster(turn, link, message);
      case 'members':
        return retention.told(turn, link, message);
      case 'ping':
        return membership.heartbeat.pinged(turn, link, message);
      case 'pong':
        return membership.heartbeat.ponged(turn, link, message);
      case 'probe':
        return membership.suspicions.probe(turn, link, message);
      case 'probed':
        return membership.suspicions.probed(turn, link, message);
      case 'peers':
        return membership.discovery.learn(turn, link, message.addresses);
      case 'shuffle':
        return membership.shuffles.shuffle(turn, link, message);
      case 'shuffled':
        return membership.shuffles.shuffled(turn, link, message);
      case 'ack':
        link.flow.acknowledged = Math.max(link.flow.acknowledged, Math.min(message.bytes, link.flow.sent));
        return;
    }
  }

  #news(turn: Turn, link: Link, message: Push | Have | Graft | Prune, bytes: Uint8Array): void {
    const { broadcasting, ownOrigin } = this.#to;
    switch (message.type) {
      case 'push':
        broadcasting.gossip.receive(turn, link, message, bytes);
        // It says nothing of any other origin.
        if (message.origin === this.#core.origin) ownOrigin.check(turn, link);
        return;
      case 'have':
        broadcasting.grafts.announced(turn, link, message);
        return ownOrigin.check(turn, link);
      case 'graft':
        return broadcasting.answers.graft(turn, link, message);
      case 'prune':
        return broadcasting.answers.prune(turn, link, message);
    }
  }

  /** Ends a delta that we serve or get, or a session of ours. */
  #cancelled(turn: Turn, link: Link, { request, reason }: Cancel): void {
    this.#to.source.cancel(link.id, request);
    if (this.#to.pull.cancelled(turn, link.id, request)) this.#to.antiEntropy.considerAgain(turn.now);
    this.#to.repairs.cancelled(turn, link.id, request, reason);
  }
}

/** Gives the other side credit for what has come. */
function acknowledge(turn: Turn, link: Link, bytes: number): void {
  const { flow } = link;
  flow.received += bytes;
  if (flow.received - flow.receivedAcknowledged < ACK_EVERY_BYTES) return;
  flow.receivedAcknowledged = flow.received;
  turn.send(link, { type: 'ack', bytes: flow.received });
}
