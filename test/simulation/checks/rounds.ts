import { decodeMessage } from '../../../src/protocol/codec.js';
import type { Input, Step } from '../../../src/replica/step.js';
import { kindOf } from '../../../simulator/network.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';
import { setOf } from './per-peer.js';

/** Rounds that a peer may need until all are equal, once everybody is linked to everybody. */
const MOST_ROUNDS = 2;

/** What ends a delta at the side that asked for it. */
const ENDS: ReadonlySet<string> = new Set(['chunk', 'below', 'cancel']);
/** The digests with which a peer tells its neighbours of what a delta brought follow so soon, milliseconds. */
const AFTERMATH_MS = 60;

/**
 * Predicate 12: counts the rounds of anti-entropy that each peer begins once everybody is linked to everybody, and that are
 * answered: those that it begins while nobody fetches anything, and not to tell of what it has just fetched.
 */
export class RoundWatch {
  /** `undefined` before they are all linked. */
  #rounds: Map<SimPeer, number> | undefined;
  /** Rounds without an answer, by life and link. */
  readonly #open = new Map<SimPeer, Set<string>>();
  /** The deltas that each peer waits for, by life, link and request, and the buckets that it reconciles. */
  readonly #awaited = new Map<SimPeer, Set<string>>();
  readonly #fetchedAt = new Map<SimPeer, number>();

  get hasBegun(): boolean {
    return this.#rounds !== undefined;
  }

  /** All are linked to all. */
  begin(): void {
    this.#rounds = new Map();
  }

  /** To be asked when all have just become equal. */
  check(): void {
    for (const [{ url }, rounds] of this.#rounds ?? []) {
      if (rounds <= MOST_ROUNDS) continue;
      throw new Violation('rounds', `${url} needs ${rounds} rounds until all are equal, linked as they are`);
    }
  }

  handled(peer: SimPeer, input: Input, step: Step, now: number): void {
    this.#noteFetches(peer, input, step, now);
    if (!this.#rounds) return;
    const open = setOf(this.#open, peer);
    if (input.kind === 'received') {
      const answers = input.messages.filter(({ bytes }) => isAnswer(bytes));
      const rounds = answers.filter(({ link }) => open.delete(`${peer.life} ${link}`)).length;
      this.#rounds.set(peer, (this.#rounds.get(peer) ?? 0) + rounds);
    }
    if (input.kind !== 'wake' || this.#isFetching) return;
    const [digest, ...others] = step.sends.filter(({ bytes }) => kindOf(bytes) === 'digest');
    const isTelling = now - (this.#fetchedAt.get(peer) ?? -Infinity) < AFTERMATH_MS + peer.options.busyMs;
    if (digest && others.length === 0 && !isTelling) open.add(`${peer.life} ${digest.link}`);
  }

  get #isFetching(): boolean {
    return [...this.#awaited.values()].some(({ size }) => size > 0);
  }

  /** A new process waits for nothing. */
  started(peer: SimPeer): void {
    this.#awaited.delete(peer);
    this.#open.delete(peer);
  }

  #noteFetches(peer: SimPeer, input: Input, { sends, notes }: Step, now: number): void {
    const awaited = setOf(this.#awaited, peer);
    if (input.kind === 'received') {
      for (const { link, bytes } of input.messages) {
        if (ENDS.has(kindOf(bytes)) && isEnd(bytes) && awaited.delete(placeOf(peer, link, bytes)))
          this.#fetchedAt.set(peer, now);
      }
    }
    for (const { link, bytes } of sends) {
      if (kindOf(bytes) === 'deltaRequest') awaited.add(placeOf(peer, link, bytes));
      if (kindOf(bytes) === 'cancel') awaited.delete(placeOf(peer, link, bytes));
      if (kindOf(bytes) === 'compare') awaited.add(sessionOf(peer, bucketIn(bytes)));
    }
    for (const { event, fields } of notes) {
      if (event !== 'reconciled') continue;
      awaited.delete(sessionOf(peer, String(fields?.['bucket'])));
      this.#fetchedAt.set(peer, now);
    }
    if (input.kind !== 'linkClosed') return;
    for (const place of awaited) if (place.startsWith(`${peer.life} ${input.link} `)) awaited.delete(place);
  }
}

/** To a digest. */
function isAnswer(bytes: Uint8Array): boolean {
  const kind = kindOf(bytes);
  if (kind !== 'vectors') return kind === 'same';
  const message = decodeMessage(bytes);
  return message.type === 'vectors' && message.reply;
}

function isEnd(bytes: Uint8Array): boolean {
  const message = decodeMessage(bytes);
  return message.type !== 'chunk' || message.last;
}

function placeOf({ life }: SimPeer, link: number, bytes: Uint8Array): string {
  const message = decodeMessage(bytes);
  return `${life} ${link} ${'request' in message ? message.request : 0}`;
}

const sessionOf = ({ life }: SimPeer, bucket: string): string => `${life} session ${bucket}`;

function bucketIn(bytes: Uint8Array): string {
  const message = decodeMessage(bytes);
  return 'bucket' in message ? message.bucket : '';
}
