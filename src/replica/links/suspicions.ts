import type { PeerId } from '../../base/ids.js';
import type { Stamp } from '../../data/stamp.js';
import type { Link } from '../../protocol/link.js';
import type { Probe, Probed } from '../../protocol/messages.js';
import { type Core, linkTo } from '../core.js';
import type { Turn } from '../turn.js';
import { type Finding, findingOf, Probes, type Round } from './probes.js';

/** The first pause between two questions about a peer, milliseconds; it doubles up to `pingTimeoutMs`. */
const FIRST_PAUSE_MS = 1_000;
/** Suspicions at a time: beyond, the oldest is forgotten. */
const MOST = 1_024;
/** Peers that we alone hold for down. */
const MOST_DOWN = 1_024;
/** We alone do so for so many times `pingTimeoutMs`: who is not dialled any more cannot prove that it is back. */
const DOWN_TIMEOUTS = 4;

/** What the cluster says, and is told, of peers that are gone. */
export interface DownMarks {
  /** Several have not heard this peer for long, and it cannot be reached: everybody may be told. */
  confirmedDown(turn: Turn, peer: PeerId): void;
  /** Whether anybody said so, and the peer has not announced itself since. */
  isDown(peer: PeerId): boolean;
  /** The number of its last announcement, if it is a member. */
  numberOf(peer: PeerId): Stamp | undefined;
}

/** What is known of whether a peer lives. */
export interface Liveness {
  isSuspect(peer: PeerId): boolean;
  isDown(peer: PeerId): boolean;
}

/** A peer that has fallen silent, or whose link ended without its saying so. Times are those of our waking hours. */
interface Suspicion {
  readonly peer: PeerId;
  readonly name: string;
  readonly since: number;
  /** When we last heard it. */
  readonly heardAt: number;
  /** Not before then is it called down. */
  ripeAt: number;
  nextRoundAt: number;
  /** Neighbours were asked enough of late, about whomever: not before then again. */
  patientUntil: number;
  pauseMs: number;
  round: Round | undefined;
  /** Others hear it: a link of ours that is still silent then is broken. */
  closeAt: number;
  /** Nothing answers a dial where our dials have found it before. */
  isGone: boolean;
}

/** A peer is down for us alone: until then, by the clock of our waking hours, or until it announces itself. */
interface OwnVerdict {
  readonly until: number;
  readonly number: Stamp | undefined;
}

/**
 * From the first silence to the verdict. Some neighbours are asked whether they hear the peer. If they do, its link is at
 * fault: it is closed, to be dialled anew, and nobody is told anything. Else it is down once it was silent for
 * `pingTimeoutMs` and dials failed. Everybody is told when neighbours that had a link to it have not heard it either, or
 * when nothing answers where dials have found it before. A neighbour without a link to it confirms nothing: in a crowd
 * most have none, and a peer that cannot be dialled from here may be well. Nor does a peer that hears nobody at all tell
 * others, as it may be the one that is cut off.
 *
 * After SWIM (Das, Gupta and Motivala, 2002), with suspicion and indirect probes, over links instead of datagrams.
 */
export class Suspicions implements Liveness {
  readonly #core: Core;
  readonly #marks: DownMarks;
  readonly #timeoutMs: (link: Link) => number;
  readonly #ping: (turn: Turn, link: Link) => void;
  readonly #probes: Probes;
  readonly #suspected = new Map<PeerId, Suspicion>();
  readonly #downHere = new Map<PeerId, OwnVerdict>();

  constructor(
    core: Core,
    marks: DownMarks,
    heartbeat: { timeoutMs(link: Link): number; ping(turn: Turn, link: Link): void },
  ) {
    this.#core = core;
    this.#marks = marks;
    this.#timeoutMs = (link) => heartbeat.timeoutMs(link);
    this.#ping = (...ping) => heartbeat.ping(...ping);
    this.#probes = new Probes(core);
  }

  /** Its pings go unanswered, or its last link has ended. */
  begin(turn: Turn, { hello, heardAt }: Link): void {
    if (!hello) return;
    const former = this.#suspected.get(hello.peer);
    if (former && former.since > heardAt) return;
    this.#drop(former);
    const since = this.#core.delay.awake(turn.now);
    if (this.#suspected.size >= MOST) this.#drop(firstOf(this.#suspected.values()));
    this.#suspected.set(hello.peer, {
      peer: hello.peer,
      name: hello.name,
      since,
      heardAt,
      ripeAt: heardAt + this.#core.options.pingTimeoutMs,
      nextRoundAt: since,
      patientUntil: since,
      pauseMs: FIRST_PAUSE_MS,
      round: undefined,
      closeAt: Infinity,
      isGone: false,
    });
  }

  /** It is there: there is a new link to it. */
  met(peer: PeerId): void {
    this.#downHere.delete(peer);
    this.#drop(this.#suspected.get(peer));
  }

  #drop(suspicion: Suspicion | undefined): void {
    if (!suspicion) return;
    if (suspicion.round) this.#probes.end(suspicion.round);
    this.#suspected.delete(suspicion.peer);
  }

  isSuspect(peer: PeerId): boolean {
    const suspicion = this.#suspected.get(peer);
    return suspicion !== undefined && !this.#isHeard(suspicion);
  }

  isDown(peer: PeerId): boolean {
    // Whoever has just come back may not have told the others yet.
    if (linkTo(this.#core, peer)) return false;
    return this.#isDownHere(peer) || this.#marks.isDown(peer);
  }

  #isDownHere(peer: PeerId): boolean {
    const verdict = this.#downHere.get(peer);
    return verdict !== undefined && verdict.number === this.#marks.numberOf(peer);
  }

  #isHeard({ peer, since }: Suspicion): boolean {
    return (linkTo(this.#core, peer)?.heardAt ?? -Infinity) >= since;
  }

  /** A neighbour asks whether we hear a peer. */
  probe(turn: Turn, link: Link, message: Probe): void {
    this.#probes.question(turn, link, message, this.#suspected.get(message.peer)?.heardAt, this.#ping);
  }

  awaits(link: Link, message: Probed): boolean {
    return this.#probes.awaits(link.id, message);
  }

  probed(turn: Turn, link: Link, message: Probed): void {
    this.#probes.answered(turn, link, message);
  }

  linkDown(link: Link): void {
    this.#probes.linkDown(link.id);
  }

  /** Nothing answers at an address. */
  dialFailed(url: string): void {
    const known = this.#core.addresses.get(url);
    const peer = known?.proven === true ? known.record.id : undefined;
    const suspicion = peer === undefined ? undefined : this.#suspected.get(peer);
    if (suspicion) suspicion.isGone = true;
  }

  wake(turn: Turn): void {
    const awake = this.#core.delay.awake(turn.now);
    for (const [peer, { until }] of this.#downHere) if (until <= awake) this.#downHere.delete(peer);
    for (const suspicion of this.#suspected.values()) {
      if (this.#isHeard(suspicion)) this.#drop(suspicion);
      else this.#pursue(turn, suspicion, awake);
    }
  }

  #pursue(turn: Turn, suspicion: Suspicion, awake: number): void {
    const { round, peer, name } = suspicion;
    if (round && this.#probes.overAt(round) <= awake) this.#judge(turn, suspicion, round, awake);
    const link = linkTo(this.#core, peer);
    if (link && suspicion.closeAt <= awake) {
      turn.note('info', 'link-broken', `others hear ${name}, we do not: it is dialled anew`, { peer });
      turn.close(link, 'broken: others hear the peer');
    }
    if (this.#suspected.has(peer) && !suspicion.round && this.#nextRoundAt(suspicion, awake) <= awake) {
      suspicion.round = this.#probes.ask(turn, peer, (other) => this.#suspected.has(other));
      if (!suspicion.round) suspicion.patientUntil = awake + FIRST_PAUSE_MS;
    }
  }

  #judge(turn: Turn, suspicion: Suspicion, round: Round, awake: number): void {
    const { pingMs, pingTimeoutMs } = this.#core.options;
    this.#probes.end(round);
    suspicion.round = undefined;
    suspicion.nextRoundAt = awake + suspicion.pauseMs;
    suspicion.pauseMs = Math.min(2 * suspicion.pauseMs, pingTimeoutMs);
    // A neighbour of it hears its pings at least.
    const finding = findingOf(round, awake - 2 * pingMs);
    if (finding.kind === 'heard' || finding.kind === 'split')
      suspicion.ripeAt = Math.max(suspicion.ripeAt, awake + pingMs);
    if (finding.kind === 'heard') this.#doubtLink(suspicion, finding.heardAt, awake);
    if (this.#isRipe(suspicion, round.askedAt)) this.#pronounce(turn, suspicion, finding, awake);
  }

  /** The peer lived when our ping should long have been answered. */
  #doubtLink(suspicion: Suspicion, heardAt: number, awake: number): void {
    const link = linkTo(this.#core, suspicion.peer);
    if (!link?.ping || suspicion.closeAt < Infinity) return;
    const timeoutMs = this.#timeoutMs(link);
    if (heardAt > Math.max(link.ping.awakeAt, link.heardAt) + timeoutMs)
      suspicion.closeAt = awake + timeoutMs;
  }

  /** Silent for long, without a link, and not to be reached at any address that we know. */
  #isRipe({ peer, ripeAt }: Suspicion, awake: number): boolean {
    if (awake < ripeAt || linkTo(this.#core, peer)) return false;
    if (awake >= ripeAt + this.#core.options.pingTimeoutMs) return true;
    for (const { record, failures, dialing } of this.#core.addresses.active()) {
      if (record.id === peer && (dialing || failures === 0)) return false;
    }
    return true;
  }

  #pronounce(turn: Turn, suspicion: Suspicion, finding: Finding, awake: number): void {
    const { peer, name, heardAt, isGone } = suspicion;
    this.#drop(suspicion);
    const witnesses = finding.kind === 'silent' ? finding.witnesses : 0;
    const isConfirmed = witnesses > 0 || (finding.kind === 'unknown' && isGone);
    const wasTold = this.#marks.isDown(peer);
    if (isConfirmed) this.#marks.confirmedDown(turn, peer);
    if (!this.#marks.isDown(peer)) this.#holdDown(peer, awake);
    const message = `${name} is down: silent for ${Math.round((awake - heardAt) / 1000)} s`;
    const fields = { peer, witnesses };
    // The log has it already, and those that found it out do not remember any more when they heard the peer.
    if (wasTold) turn.note('debug', 'peer-down', `${message}; others have said so before`, fields);
    else if (isConfirmed) {
      const [level, waiting] = this.#marks.isDown(peer)
        ? (['warn', WAITING] as const)
        : (['info', ''] as const);
      turn.note(level, 'peer-down', `${message}, ${whyConfirmed(witnesses)}${waiting}`, fields);
    } else if (finding.kind === 'unanswered') {
      turn.note('info', 'peer-down', `${message}, nobody is there to ask`, fields);
    } else turn.note('debug', 'peer-lost', `${message}, and nobody whom we asked knows it`, fields);
  }

  #holdDown(peer: PeerId, awake: number): void {
    if (this.#downHere.size >= MOST_DOWN) {
      const oldest = firstOf(this.#downHere.keys());
      if (oldest !== undefined) this.#downHere.delete(oldest);
    }
    // At the end of the map, which is in the order of the ends.
    this.#downHere.delete(peer);
    const until = awake + DOWN_TIMEOUTS * this.#core.options.pingTimeoutMs;
    this.#downHere.set(peer, { until, number: this.#marks.numberOf(peer) });
  }

  /** The verdict takes a round of its own, begun when the peer was silent for long enough. */
  #nextRoundAt(suspicion: Suspicion, awake: number): number {
    const dueAt = this.#isRipe(suspicion, awake) ? awake : suspicion.nextRoundAt;
    return Math.max(dueAt, suspicion.patientUntil);
  }

  nextWakeAt(now: number): number {
    const { delay } = this.#core;
    const awake = delay.awake(now);
    let next = firstOf(this.#downHere.values())?.until ?? Infinity;
    for (const suspicion of this.#suspected.values()) {
      if (this.#isHeard(suspicion)) continue;
      const { round, closeAt, ripeAt } = suspicion;
      next = Math.min(next, round ? this.#probes.overAt(round) : this.#nextRoundAt(suspicion, awake));
      if (linkTo(this.#core, suspicion.peer)) next = Math.min(next, closeAt);
      else if (!round && ripeAt > awake) next = Math.min(next, ripeAt);
    }
    return delay.until(next);
  }
}

/** Said of members only. */
const WAITING = '; tombstones wait for it';

const whyConfirmed = (witnesses: number): string =>
  witnesses > 0
    ? 'neighbours that were linked to it have not heard it either'
    : 'nothing answers where it was';

function firstOf<T>(all: Iterable<T>): T | undefined {
  for (const first of all) return first;
  return undefined;
}
