import type { LinkId } from '../base/ids.js';
import { linkCounter } from './link-counter.js';
import { CLOSED, DIAL_FAILED } from './reasons.js';
import type { Direction, Transport, TransportEvents } from './transport.js';

/** Runs a task later, never from within the call. It may delay and reorder tasks: links stay in order all the same. */
export type Schedule = (task: () => void) => void;

/** The network between transports of one process: who is reached under which url, and who is cut from whom. */
export class Hub {
  readonly schedule: Schedule;
  readonly #transports = new Map<string, InProcessTransport>();
  readonly #strangers = new Set<string>();
  readonly #cuts = new Set<string>();
  readonly #ends = new Set<LinkEnd>();

  /** @param schedule default: microtasks. */
  constructor(schedule: Schedule = queueMicrotask) {
    this.schedule = schedule;
  }

  /** Breaks the links between two urls, with all that is on its way, and lets dials between them time out. */
  cut(urlA: string, urlB: string): void {
    this.#cuts.add(pairOf(urlA, urlB));
    for (const end of this.#ends) {
      if (pairOf(end.owner.url, end.remote) === pairOf(urlA, urlB)) end.lose();
    }
  }

  heal(urlA: string, urlB: string): void {
    this.#cuts.delete(pairOf(urlA, urlB));
  }

  /** Lets something that is no peer listen under a url. */
  addStranger(url: string): void {
    this.#strangers.add(url);
  }

  register(transport: InProcessTransport): void {
    this.#transports.set(transport.url, transport);
  }

  unregister(transport: InProcessTransport): void {
    if (this.#transports.get(transport.url) === transport) this.#transports.delete(transport.url);
  }

  /** The transport under `url` as seen from `from`, or why there is none. */
  find(from: string, url: string): InProcessTransport | string {
    if (this.#cuts.has(pairOf(from, url))) return DIAL_FAILED.timeout;
    return (
      this.#transports.get(url) ?? (this.#strangers.has(url) ? DIAL_FAILED.notAPeer : DIAL_FAILED.refused)
    );
  }

  connect(dialler: InProcessTransport, listener: InProcessTransport): void {
    const out = new LinkEnd(this.schedule, dialler, listener.url, 'out');
    const incoming = new LinkEnd(this.schedule, listener, dialler.url, 'in');
    out.join(incoming);
    incoming.join(out);
    for (const end of [incoming, out]) {
      this.#ends.add(end);
      end.owner.linkComing(end);
      end.post(() => end.owner.linkOpened(end));
    }
  }

  forget(end: LinkEnd): void {
    this.#ends.delete(end);
  }
}

/** A Transport between peers of one process, for tests: no sockets, no clock, and order only where links promise it. */
export class InProcessTransport implements Transport {
  readonly url: string;
  readonly #hub: Hub;
  readonly #events: TransportEvents;
  readonly #nextLinkId: () => LinkId;
  readonly #links = new Map<LinkId, LinkEnd>();
  readonly #dials = new Set<string>();
  /** Links whose `opened` is on its way. */
  readonly #coming = new Set<LinkEnd>();
  #stopped: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  /** @param nextLinkId default: 1, 2, 3 and so on. */
  constructor(hub: Hub, url: string, events: TransportEvents, nextLinkId: () => LinkId = linkCounter()) {
    this.#hub = hub;
    this.url = url;
    this.#events = events;
    this.#nextLinkId = nextLinkId;
    hub.register(this);
  }

  dial(url: string): void {
    if (this.#dials.has(url)) return;
    this.#dials.add(url);
    this.#hub.schedule(() => {
      const found = this.#stopped === undefined ? this.#hub.find(this.url, url) : DIAL_FAILED.stopped;
      if (typeof found !== 'string') {
        this.#hub.connect(this, found);
        return;
      }
      this.#dials.delete(url);
      this.#events.dialFailed(url, found);
      this.#checkIdle();
    });
  }

  send(link: LinkId, bytes: Uint8Array): void {
    this.#links.get(link)?.send(bytes);
  }

  close(link: LinkId, reason: string): void {
    this.#links.get(link)?.close(reason);
  }

  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#whenIdle = resolve;
      this.#hub.unregister(this);
      for (const end of this.#links.values()) end.close(CLOSED.stopped);
      this.#checkIdle();
    });
    return this.#stopped;
  }

  linkComing(end: LinkEnd): void {
    this.#coming.add(end);
  }

  linkOpened(end: LinkEnd): void {
    const url = end.direction === 'out' ? end.remote : undefined;
    if (url !== undefined) this.#dials.delete(url);
    this.#coming.delete(end);
    end.id = this.#nextLinkId();
    this.#links.set(end.id, end);
    this.#events.opened(end.id, end.direction, end.remote, url);
    if (this.#stopped !== undefined) end.close(CLOSED.stopped);
  }

  linkReceived(end: LinkEnd, bytes: Uint8Array): void {
    this.#events.received(end.id, bytes);
  }

  linkClosed(end: LinkEnd, reason: string): void {
    this.#hub.forget(end);
    this.#links.delete(end.id);
    this.#events.closed(end.id, reason);
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#links.size + this.#dials.size + this.#coming.size === 0) this.#whenIdle?.();
  }
}

/** One side of a link: a queue of what is still to happen there, in order however the tasks are scheduled. */
class LinkEnd {
  id = 0 as LinkId;
  readonly owner: InProcessTransport;
  readonly remote: string;
  readonly direction: Direction;
  readonly #schedule: Schedule;
  #other: LinkEnd | undefined;
  readonly #queue: (() => void)[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';
  #ownReason: string | undefined;

  constructor(schedule: Schedule, owner: InProcessTransport, remote: string, direction: Direction) {
    this.#schedule = schedule;
    this.owner = owner;
    this.remote = remote;
    this.direction = direction;
  }

  join(other: LinkEnd): void {
    this.#other = other;
  }

  post(task: () => void): void {
    this.#queue.push(task);
    this.#schedule(() => this.#queue.shift()?.());
  }

  send(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    const copy = Uint8Array.from(bytes);
    this.#other?.post(() => this.#other?.receive(copy));
  }

  close(reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#ownReason = reason;
    this.#other?.post(() => this.#other?.finish(CLOSED.byPeer));
    this.post(() => this.finish(reason));
  }

  receive(bytes: Uint8Array): void {
    if (this.#state === 'open') this.owner.linkReceived(this, bytes);
  }

  /** The line broke: what was on its way here is lost. */
  lose(): void {
    if (this.#state === 'open') this.#state = 'closing';
    this.post(() => this.finish(CLOSED.lost));
  }

  finish(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.owner.linkClosed(this, this.#ownReason ?? reason);
  }
}

const pairOf = (urlA: string, urlB: string): string => [urlA, urlB].sort().join(' ');
