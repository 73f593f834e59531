import type { LinkId } from '../../base/ids.js';
import type { Broadcast } from '../../protocol/broadcast.js';
import { judgeHello, type Link, openLink, policyMismatches, rivalsToClose } from '../../protocol/link.js';
import type { MemberRecord } from '../../protocol/members.js';
import type { Goodbye, Hello } from '../../protocol/messages.js';
import { Complaints } from '../complaints.js';
import { activeLinks, type Core, digestOf, linkTo } from '../core.js';
import { Dialer } from './dialer.js';
import { Discovery, toAddresses } from './discovery.js';
import { hostOf, Offenders } from './offenders.js';
import { Partings } from './partings.js';
import { Requests } from './requests.js';
import { Shuffles } from './shuffles.js';
import { Heartbeat } from './heartbeat.js';
import { type DownMarks, Suspicions } from './suspicions.js';
import { Talk } from './talk.js';
import { Views } from './views.js';
import type { Turn } from '../turn.js';

/** A link must have finished its handshake this long after its opening, milliseconds. */
const HELLO_TIMEOUT_MS = 5_000;
/** After these the peer is dialled again soon. */
const USUAL_GOODBYES: ReadonlySet<string> = new Set(['LEAVING', 'DUPLICATE']);
/** These happen all the time in a crowd. */
const CROWD_GOODBYES: ReadonlySet<string> = new Set(['OVERLOADED', 'SURPLUS']);

/** What other parts of the replica do when the set of usable links changes. */
export interface LinkObserver {
  linkUp(turn: Turn, link: Link, hello: Hello): void;
  linkDown(turn: Turn, link: Link): void;
  /** An older link to the same peer carries gossip again. */
  linkResumed(turn: Turn, link: Link): void;
}

/** Who we are linked to: dials, handshakes, one link a peer, goodbyes. */
export class Membership {
  readonly #core: Core;
  readonly #broadcast: Broadcast;
  readonly #observer: LinkObserver;
  readonly heartbeat: Heartbeat;
  readonly suspicions: Suspicions;
  readonly views: Views;
  readonly shuffles: Shuffles;
  readonly discovery: Discovery;
  readonly partings: Partings;
  readonly #requests: Requests;
  readonly #dialer: Dialer;
  readonly #complaints = new Complaints();
  readonly #offenders = new Offenders();
  readonly #talk = new Talk();
  #leaving = false;

  constructor(core: Core, broadcast: Broadcast, observer: LinkObserver, marks: DownMarks) {
    this.#core = core;
    this.#broadcast = broadcast;
    this.#observer = observer;
    this.heartbeat = new Heartbeat(core, (turn, link) => this.suspicions.begin(turn, link));
    this.suspicions = new Suspicions(core, marks, this.heartbeat);
    this.views = new Views(core, this.suspicions);
    this.discovery = new Discovery(core, this.views, this.suspicions);
    this.shuffles = new Shuffles(core, this.views, this.discovery);
    this.partings = new Partings(core);
    this.#requests = new Requests(core);
    this.#dialer = new Dialer(core, this.views, this.suspicions);
  }

  opened(turn: Turn, id: LinkId, direction: 'in' | 'out', remote: string, url: string | undefined): void {
    const link = openLink(id, direction, remote, url, turn.now, this.#core.delay.awake(turn.now));
    this.#core.links.set(id, link);
    turn.send(link, this.#hello(turn.wall));
    if (this.#leaving) this.#refuse(turn, link, 'LEAVING', 'this peer is leaving');
    else if (direction === 'in' && this.#core.links.size > 2 * this.#core.options.links) {
      this.#refuse(turn, link, 'OVERLOADED', 'this peer has no room for more links');
    }
  }

  #hello(wall: number): Hello {
    const { self, options } = this.#core;
    const buckets = [...this.#core.buckets.values()];
    return {
      type: 'hello',
      protocol: self.protocol,
      cluster: self.cluster,
      peer: self.peer,
      session: self.session,
      name: options.name,
      url: options.url,
      clock: wall,
      version: options.version,
      buckets: buckets.map((bucket) => ({ ...digestOf(bucket), policy: bucket.policy.name })),
      links: activeLinks(this.#core).length,
      crowd: this.views.crowd,
    };
  }

  hello(turn: Turn, link: Link, hello: Hello): void {
    const verdict = judgeHello(hello, this.#core.self);
    if (!verdict.accept) {
      if (verdict.self && link.url !== undefined) this.#core.addresses.isSelf(link.url);
      const level = verdict.self ? 'debug' : this.#complaints.level(hello.peer, verdict.code, turn.now);
      return this.#refuse(turn, link, verdict.code, verdict.reason, level);
    }
    if (link.url !== undefined) this.#core.addresses.met(link.url, hello.peer, hello.name);
    if (this.#core.addresses.isRemoved(hello.url, hello.peer)) {
      return this.#refuse(
        turn,
        link,
        'PEER_REFUSED',
        'this peer was removed here; addPeer lets it in again',
        'debug',
      );
    }
    if (this.#isInPenance(turn, link, hello)) return;
    this.discovery.introduced(turn, link, hello);
    const others = [...this.#core.links.values()].filter((l) => l.hello?.peer === hello.peer && !l.closing);
    if (others.length === 0 && !this.#makeRoom(turn, link, hello)) return;
    link.hello = hello;
    link.crowd = hello.crowd;
    this.#refuseBuckets(turn, link, hello);
    link.clockLead = hello.clock - turn.now;
    if (link.url !== undefined) this.#core.addresses.reached(link.url, hello.peer, hello.name);
    this.discovery.met(turn.now, link, hello);
    for (const rival of rivalsToClose(link, others, this.#core.self.peer)) {
      this.#refuse(turn, rival, 'DUPLICATE', 'another link to the same peer stays', 'debug');
      if (rival !== link) this.#unplug(turn, rival);
    }
    if (!link.closing) this.#plug(turn, link, hello, others);
  }

  /** @returns whether links to this peer were ended for abuse just now; then this one is refused */
  #isInPenance(turn: Turn, link: Link, { peer }: Hello): boolean {
    const pause = this.#offenders.pauseOf(link, peer, this.#core.addresses, turn.now);
    if (pause <= 0) return false;
    const reason = `links to it or others at its host ended for abuse: try again in ${Math.ceil(pause / 1000)} s`;
    this.#refuse(turn, link, 'PEER_REFUSED', reason);
    return true;
  }

  /** @returns whether there is room for this link; else it is refused */
  #makeRoom(turn: Turn, link: Link, hello: Hello): boolean {
    const room = this.views.roomFor(link, hello, turn.now);
    if (room === false) {
      // Who finds no room here hears where there may be some.
      this.discovery.share(turn, link, hello);
      const level = this.views.isCrowded ? 'debug' : undefined;
      this.#refuse(turn, link, 'OVERLOADED', 'this peer has no room for more links', level);
    } else if (room !== true) this.#displace(turn, room);
    return room !== false;
  }

  #displace(turn: Turn, link: Link): void {
    this.#refuse(turn, link, 'SURPLUS', 'room is made for others', 'debug');
  }

  /** A bucket under two policies would end different: it is not replicated over this link, and people are told. */
  #refuseBuckets(turn: Turn, link: Link, hello: Hello): void {
    for (const { bucket, ours, theirs } of policyMismatches(hello, this.#core.buckets)) {
      link.refused.add(bucket);
      const level = this.#complaints.level(hello.peer, `policy of ${bucket}`, turn.now);
      turn.note(level, 'policy-mismatch', `bucket '${bucket}' is not replicated with ${hello.name}`, {
        peer: hello.peer,
        ours,
        theirs,
      });
    }
  }

  /** The link carries gossip from now on, instead of any older one to the same peer. */
  #plug(turn: Turn, link: Link, hello: Hello, others: readonly Link[]): void {
    for (const other of others) this.#broadcast.linkDown(other.id);
    this.#broadcast.linkUp(link.id);
    if (others.length === 0) {
      turn.note(this.#talk.ofComing(turn.now), 'connected', `connected to ${hello.name}`, {
        peer: hello.peer,
        url: hello.url ?? link.remote,
        direction: link.direction,
      });
    }
    this.suspicions.met(hello.peer);
    if (link.direction === 'out') this.#dialer.reached();
    this.views.update(turn.now);
    this.#observer.linkUp(turn, link, hello);
    this.discovery.share(turn, link, hello);
  }

  #unplug(turn: Turn, link: Link): void {
    this.#broadcast.linkDown(link.id);
    this.suspicions.linkDown(link);
    this.#observer.linkDown(turn, link);
  }

  /** @param level default: `warn` for the first time in a while with this code and this peer or host */
  #refuse(turn: Turn, link: Link, code: string, reason: string, level?: 'debug' | 'warn'): void {
    turn.send(link, { type: 'goodbye', code, reason });
    turn.close(link, reason);
    link.goodbye ??= code;
    const who = link.url ?? link.remote;
    turn.note(
      level ?? this.#complaints.level(whoIs(link), code, turn.now),
      'link-refused',
      `link with ${who} refused: ${reason}`,
      {
        code,
        direction: link.direction,
      },
    );
  }

  /** The other side ends the link and says why. */
  goodbye(turn: Turn, link: Link, message: Goodbye): void {
    link.goodbye = message.code;
    const { code, reason } = message;
    const isUsual = USUAL_GOODBYES.has(code) || (this.views.isCrowded && CROWD_GOODBYES.has(code));
    const level = isUsual ? 'debug' : this.#complaints.level(whoIs(link), code, turn.now);
    turn.note(level, 'goodbye', `${link.hello?.name ?? link.url ?? link.remote}: ${reason}`, { code });
    turn.close(link, message.reason);
  }

  /** A message that breaks the protocol ends its link, with the reason. */
  violation(turn: Turn, link: Link, reason: string): void {
    const level = this.#complaints.level(whoIs(link), 'malformed', turn.now);
    this.#offenders.ended(link, turn.now);
    this.#refuse(turn, link, 'PROTOCOL_MISMATCH', `malformed message: ${reason}`, level);
  }

  /** Something that may happen once, when messages cross: too much of it ends the link, with the reason. */
  suspect(turn: Turn, link: Link, what: string, weight = 1): void {
    if (link.leniency.spend(turn.now, weight) || link.closing) return;
    const level = this.#complaints.level(whoIs(link), 'abuse', turn.now);
    this.#offenders.ended(link, turn.now);
    this.#refuse(turn, link, 'PROTOCOL_MISMATCH', `repeated abuse: ${what}`, level);
  }

  closed(turn: Turn, id: LinkId, reason: string): void {
    const link = this.#core.links.get(id);
    if (!link) return;
    this.#core.links.delete(id);
    const { hello, url } = link;
    if (!hello) {
      if (url !== undefined) this.#dialer.failed(url, turn.now);
      return;
    }
    this.#unplug(turn, link);
    const heir = linkTo(this.#core, hello.peer);
    if (heir) {
      this.#broadcast.linkUp(heir.id);
      if (heir.openedAt <= link.openedAt) this.#observer.linkResumed(turn, heir);
      return;
    }
    const isUsual = this.views.isCrowded && CROWD_GOODBYES.has(link.goodbye ?? '');
    if (!isUsual) this.partings.linkDown(turn, link);
    const refused = link.goodbye !== undefined && !USUAL_GOODBYES.has(link.goodbye);
    this.#core.addresses.lost(hello.peer, turn.now, refused);
    if (!refused && !this.#leaving) this.suspicions.begin(turn, link);
    this.views.update(turn.now);
    // Of two links to one peer the one that went first is not news when the other follows.
    if (link.goodbye === 'DUPLICATE') return;
    turn.note(
      isUsual ? 'debug' : this.#talk.ofComing(turn.now),
      'disconnected',
      `disconnected from ${hello.name}: ${link.goodbye ?? reason}`,
      {
        peer: hello.peer,
      },
    );
  }

  dialFailed(turn: Turn, url: string, reason: string): void {
    this.suspicions.dialFailed(url);
    this.#dialer.failed(url, turn.now);
    if (this.views.isCrowded) this.views.update(turn.now);
    const level = this.#talk.ofFailure(this.#core.addresses.get(url), turn.now);
    turn.note(level, 'dial-failed', `cannot reach ${url}: ${reason}; will try again`);
  }

  /** A neighbour tells of a member: where it is, it says as well. */
  heardOf(turn: Turn, link: Link, { url, peer, name }: MemberRecord): void {
    this.discovery.heardOf(turn, link, toAddresses(url, peer, name));
  }

  /** @throws RumeurError `OVERLOADED` when no further address can be kept */
  addPeer(turn: Turn, url: string): void {
    this.#requests.addPeer(turn, url);
    this.views.update(turn.now);
  }

  /** Forgets a peer and keeps it out, by address and by id. @throws RumeurError `NOT_FOUND` */
  removePeer(turn: Turn, target: string): void {
    for (const link of this.#requests.removePeer(turn, target))
      this.#refuse(turn, link, 'PEER_REFUSED', 'this peer was removed here', 'debug');
  }

  leave(turn: Turn): void {
    this.#leaving = true;
    for (const link of this.#core.links.values()) {
      turn.send(link, { type: 'goodbye', code: 'LEAVING', reason: 'this peer is leaving' });
      turn.close(link, 'leaving');
    }
  }

  wake(turn: Turn): void {
    if (this.#leaving) return;
    this.views.wake(turn.now);
    this.#dialer.dial(turn);
    for (const link of this.views.surplus(turn.now)) this.#displace(turn, link);
    this.discovery.wake(turn);
    this.shuffles.wake(turn);
    this.heartbeat.wake(turn);
    this.suspicions.wake(turn);
    for (const link of this.#core.links.values()) {
      const late = !link.hello && !link.closing && turn.now - link.openedAt >= HELLO_TIMEOUT_MS;
      if (late) this.#refuse(turn, link, 'TIMEOUT', 'no HELLO in time');
    }
  }

  nextWakeAt(now: number): number {
    if (this.#leaving) return Infinity;
    let next = Math.min(
      this.heartbeat.nextWakeAt(now),
      this.suspicions.nextWakeAt(now),
      this.views.nextWakeAt(),
      this.discovery.nextWakeAt(),
      this.shuffles.nextWakeAt(),
      this.#dialer.nextWakeAt(),
    );
    for (const link of this.#core.links.values()) {
      if (!link.hello && !link.closing) next = Math.min(next, link.openedAt + HELLO_TIMEOUT_MS);
    }
    return next;
  }
}

/** The best name for the other side: its id, what we dialled, or the host that it dialled from. */
const whoIs = (link: Link): string => link.hello?.peer ?? link.url ?? hostOf(link);
