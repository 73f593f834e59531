import { Allowance, type Rate } from '../../base/allowance.js';
import type { LinkId, PeerId } from '../../base/ids.js';
import { RecentMap } from '../../base/recent-map.js';
import type { Link } from '../../protocol/link.js';
import type { Probe, Probed } from '../../protocol/messages.js';
import { activeLinks, type Core, linkTo } from '../core.js';
import type { Turn } from '../turn.js';
import { spend } from './quotas.js';

/**
 * Neighbours that are asked about a peer (SWIM takes 1 to 3). Of three that know it a slow or lying one decides nothing. In
 * a crowd often only one of them has a link to it, and its word counts: a lie then delays a verdict, has a silent link
 * dialled anew, or makes a peer say that it is not down.
 */
const WITNESSES = 3;
/** An answer that has not come so long after the question does not count any more, milliseconds. */
const PATIENCE_MS = 2_000;
/** Who is asked pings the peer unless it has heard from it this lately, milliseconds: it knows more the next time. */
const LATELY_MS = 1_000;
/** Questions that are remembered, so that a late answer is no misdeed. */
const REMEMBERED = 1024;
/** Questions to all neighbours together: an answer has half a minute before its question is forgotten. */
const ALL_ASKED: Rate = { most: 128, perMs: 1 / 50 };

/** One question to a few neighbours: who has heard this peer? Times are those of our waking hours. */
export interface Round {
  readonly id: number;
  readonly peer: PeerId;
  readonly askedAt: number;
  readonly waiting: Set<LinkId>;
  /** How many have answered, whatever they know. */
  answers: number;
  /** When those of them that have a link to the peer, or lost it lately, last heard it. */
  readonly heardAt: number[];
}

/**
 * What a round has found out: that the peer is heard, and when last; that it is not; that those who know it are not of one
 * opinion; that nobody who answered knows it; or that nobody answered.
 */
export type Finding =
  | { readonly kind: 'heard'; readonly heardAt: number }
  | { readonly kind: 'silent'; readonly witnesses: number }
  | { readonly kind: 'split' | 'unknown' | 'unanswered' };

/**
 * The middle answer counts; of an even number both in the middle must say the same.
 * @param since who was heard after that is heard
 */
export function findingOf({ heardAt, answers }: Round, since: number): Finding {
  const times = [...heardAt].sort((a, b) => a - b);
  const [lower, upper] = [times[(times.length - 1) >> 1], times[times.length >> 1]];
  if (lower === undefined || upper === undefined) return { kind: answers > 0 ? 'unknown' : 'unanswered' };
  if (lower > since) return { kind: 'heard', heardAt: lower };
  return upper > since ? { kind: 'split' } : { kind: 'silent', witnesses: times.length };
}

/** What others have heard of a peer that does not answer us, and what we tell others who ask. */
export class Probes {
  readonly #core: Core;
  readonly #open = new Map<number, Round>();
  /** Links that were asked under an id, and have not answered. */
  readonly #asked = new RecentMap<string, boolean>(REMEMBERED);
  readonly #allAsked = new Allowance(0, ALL_ASKED);
  #lastId = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Asks a few neighbours, but for those that are in doubt themselves.
   * @returns `undefined` if those whom we could ask were asked enough of late: who comes and goes without end is not to
   * make us a nuisance to them
   */
  ask(turn: Turn, peer: PeerId, isDoubtful: (peer: PeerId) => boolean): Round | undefined {
    const witnesses = activeLinks(this.#core).filter(
      ({ hello }) => hello && hello.peer !== peer && !isDoubtful(hello.peer),
    );
    this.#core.random.shuffle(witnesses);
    const patient = witnesses.filter(({ quotas }) => quotas.asked.readyAt(turn.now) <= turn.now);
    const isTooMuch = patient.length === 0 || !spend(this.#allAsked, turn.now, WITNESSES);
    if (witnesses.length > 0 && isTooMuch) return undefined;
    const asked = patient.slice(0, WITNESSES);
    const round: Round = {
      id: ++this.#lastId,
      peer,
      askedAt: this.#core.delay.awake(turn.now),
      waiting: new Set(asked.map(({ id }) => id)),
      answers: 0,
      heardAt: [],
    };
    for (const link of asked) {
      link.quotas.asked.spend(turn.now, 1);
      this.#asked.set(keyOf(link.id, round.id), true);
      turn.send(link, { type: 'probe', id: round.id, peer });
    }
    this.#open.set(round.id, round);
    return round;
  }

  /** When a round is over, by the clock of our waking hours: at the latest then, or when all have answered. */
  overAt({ waiting, askedAt }: Round): number {
    return waiting.size === 0 ? askedAt : askedAt + PATIENCE_MS;
  }

  end({ id }: Round): void {
    this.#open.delete(id);
  }

  /** Whether this was asked on the link and not answered yet: also when the answer does not count any more. */
  awaits(link: LinkId, { id, peer }: Probed): boolean {
    const round = this.#open.get(id);
    return this.#asked.get(keyOf(link, id)) === true && (round === undefined || round.peer === peer);
  }

  answered(turn: Turn, link: Link, { id, heardMsAgo }: Probed): void {
    this.#asked.set(keyOf(link.id, id), false);
    const round = this.#open.get(id);
    if (!round?.waiting.delete(link.id)) return;
    round.answers++;
    if (heardMsAgo !== null) round.heardAt.push(this.#core.delay.awake(turn.now) - heardMsAgo);
  }

  linkDown(link: LinkId): void {
    for (const { waiting } of this.#open.values()) waiting.delete(link);
  }

  /** A neighbour asks. @param lostAt when we last heard a peer that we have lost lately, in our waking hours */
  question(
    turn: Turn,
    link: Link,
    { id, peer }: Probe,
    lostAt: number | undefined,
    ping: (turn: Turn, link: Link) => void,
  ): void {
    const awake = this.#core.delay.awake(turn.now);
    const other = linkTo(this.#core, peer);
    const heardAt = peer === this.#core.self.peer ? awake : (other?.heardAt ?? lostAt);
    if (other && awake - other.heardAt > LATELY_MS) ping(turn, other);
    const heardMsAgo = heardAt === undefined ? null : Math.max(0, Math.round(awake - heardAt));
    turn.send(link, { type: 'probed', id, peer, heardMsAgo });
  }
}

const keyOf = (link: LinkId, id: number): string => `${link} ${id}`;
