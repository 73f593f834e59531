import { RecentMap } from '../../base/recent-map.js';
import type { PeerId } from '../../base/ids.js';
import { isLoopbackHost } from '../../config/addresses.js';
import type { AddressBook } from '../../protocol/address-book.js';
import type { Link } from '../../protocol/link.js';

/** Ends of links that are held against somebody. */
interface Score {
  readonly ends: number;
  readonly at: number;
}

/** How long whose links were ended for abuse is refused: the first pause, which doubles with each end, and the longest. */
interface Penance {
  /** Ends that cost nothing. */
  readonly free: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

/** A peer, as long as it calls from the same host: anybody may say that it is somebody else. */
const OF_PEER: Penance = { free: 0, firstMs: 1_000, longestMs: 600_000 };
/** All strangers at a host: honest ones may share it, so that they do not wait for long, and only for a nuisance. */
const OF_HOST: Penance = { free: 4, firstMs: 1_000, longestMs: 16_000 };
/** One end is forgiven in this time, milliseconds. */
const FORGIVEN_MS = 600_000;
/** Hosts, and peers at hosts, that are remembered at least. */
const REMEMBERED = 1_024;

/**
 * Remembers whose links were ended for abuse, as the quotas of a link end with it: an offender that is back at once would
 * have new ones. Nobody is shut out for good.
 */
export class Offenders {
  readonly #hosts = new RecentMap<string, Score>(REMEMBERED);
  readonly #peers = new RecentMap<string, Score>(REMEMBERED);

  /** A link was ended for abuse. */
  ended(link: Link, now: number): void {
    const host = hostOf(link);
    // Behind a proxy on this machine everybody comes from here.
    if (!isLoopbackHost(host)) add(this.#hosts, host, now);
    if (link.hello) add(this.#peers, peerAt(host, link.hello.peer), now);
  }

  /**
   * How long the peer that has introduced itself is still refused, milliseconds; 0: not at all. Never whom people named,
   * by the address that we dialled or by the id that was met there. For its host alone nobody is whom a dial of ours has
   * found, now or before.
   */
  pauseOf(link: Link, peer: PeerId, addresses: AddressBook, now: number): number {
    const host = hostOf(link);
    const ofPeer = pauseOf(this.#peers.get(peerAt(host, peer)), OF_PEER, now);
    const ofHost = pauseOf(this.#hosts.get(host), OF_HOST, now);
    if (ofPeer === 0 && ofHost === 0) return 0;
    let isStranger = link.direction === 'in';
    for (const { record, proven } of addresses.active()) {
      if (record.id !== peer && record.url !== link.url) continue;
      if (record.source !== 'gossip') return 0;
      isStranger &&= !proven;
    }
    return isStranger ? Math.max(ofPeer, ofHost) : ofPeer;
  }
}

/** The host that a link comes from, or leads to. */
export const hostOf = ({ remote }: Link): string => remote.replace(/ port \d+$/, '').replace(/^::ffff:/, '');

const peerAt = (host: string, peer: PeerId): string => `${peer} ${host}`;

function add(scores: RecentMap<string, Score>, who: string, now: number): void {
  const former = scores.get(who);
  const left = former ? Math.max(0, former.ends - Math.floor((now - former.at) / FORGIVEN_MS)) : 0;
  scores.set(who, { ends: left + 1, at: now });
}

function pauseOf(score: Score | undefined, { free, firstMs, longestMs }: Penance, now: number): number {
  if (!score || score.ends <= free) return 0;
  const pause = Math.min(longestMs, firstMs * 2 ** (score.ends - free - 1));
  return Math.max(0, score.at + pause - now);
}
