import type { Server as HttpServer } from 'node:http';
import type { Server } from 'socket.io';

import type { LinkId } from '../base/ids.js';
import { linkCounter } from './link-counter.js';
import { dialPeer } from './peer-dial.js';
import { PeerLink, type Wire } from './peer-link.js';
import { createPeerServer, PEERS_PATH } from './peer-server.js';
import { CLOSED, DIAL_FAILED } from './reasons.js';
import type { Direction, Transport, TransportEvents } from './transport.js';

/** Gives a path of an HTTP server to one transport after the other. */
export interface LinkServer {
  mount(path: string): HttpServer;
  /** What comes for the path is told that we are not ready, until it is mounted again. */
  unmount(path: string): void;
}

export interface SocketIoTransportOptions {
  /** Where others reach us; without it we only dial. */
  server?: LinkServer;
  /** A longer message closes its link on the receiving side. Default 17 MiB. */
  maxMessageBytes?: number;
  /** Incoming links at most; dialled ones do not count. Default 64. */
  maxLinks?: number;
  /** Default 5,000. */
  dialTimeoutMs?: number;
  /** How long a closing link may take to send what it still holds. Default 1,000. */
  closeGraceMs?: number;
  /** Default: 1, 2, 3 and so on. */
  nextLinkId?: () => LinkId;
}

/** Links over Socket.IO, WebSocket only: one message is one binary frame. Events never come from within a call. */
export class SocketIoTransport implements Transport {
  readonly #events: TransportEvents;
  readonly #maxMessageBytes: number;
  readonly #dialTimeoutMs: number;
  readonly #closeGraceMs: number;
  readonly #nextLinkId: () => LinkId;
  readonly #links = new Map<LinkId, PeerLink>();
  /** The attempts under way: url to what ends each. */
  readonly #dials = new Map<string, (reason: string) => void>();
  readonly #server: Server | undefined;
  readonly #mounts: LinkServer | undefined;
  #incoming = 0;
  #stopped: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: SocketIoTransportOptions, events: TransportEvents) {
    this.#events = events;
    this.#maxMessageBytes = options.maxMessageBytes ?? 17 * 1024 * 1024;
    this.#dialTimeoutMs = options.dialTimeoutMs ?? 5000;
    this.#closeGraceMs = options.closeGraceMs ?? 1000;
    this.#nextLinkId = options.nextLinkId ?? linkCounter();
    const maxLinks = options.maxLinks ?? 64;
    this.#mounts = options.server;
    this.#server =
      options.server &&
      createPeerServer(options.server.mount(PEERS_PATH), {
        maxMessageBytes: this.#maxMessageBytes,
        maxLinks,
        hasRoom: () => this.#stopped === undefined && this.#incoming < maxLinks,
        open: (wire) => this.#open('in', wire),
      });
  }

  dial(url: string): void {
    if (this.#dials.has(url)) return;
    const options = { timeoutMs: this.#dialTimeoutMs, maxMessageBytes: this.#maxMessageBytes };
    const end = dialPeer(url, options, {
      connected: (wire) => {
        this.#dials.delete(url);
        return this.#open('out', wire, url);
      },
      failed: (reason) => {
        this.#dials.delete(url);
        this.#events.dialFailed(url, reason);
        this.#checkIdle();
      },
    });
    this.#dials.set(url, end);
    if (this.#stopped !== undefined) end(DIAL_FAILED.stopped);
  }

  send(link: LinkId, bytes: Uint8Array): void {
    this.#links.get(link)?.send(bytes, this.#allBacklog);
  }

  readonly #allBacklog = (): [number, number] => {
    let all = 0;
    for (const { backlog } of this.#links.values()) all += backlog;
    return [all, this.#links.size];
  };

  close(link: LinkId, reason: string): void {
    this.#links.get(link)?.close(reason);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#mounts?.unmount(PEERS_PATH);
    const idle = new Promise<void>((resolve) => (this.#whenIdle = resolve));
    for (const end of this.#dials.values()) end(DIAL_FAILED.stopped);
    for (const link of this.#links.values()) link.close(CLOSED.stopped);
    this.#checkIdle();
    await idle;
    await this.#server?.close();
  }

  #checkIdle(): void {
    if (this.#links.size === 0 && this.#dials.size === 0) this.#whenIdle?.();
  }

  #open(direction: Direction, wire: Wire, url?: string): PeerLink {
    const link = new PeerLink(this.#nextLinkId(), direction, wire, this.#owner, this.#closeGraceMs);
    this.#links.set(link.id, link);
    if (direction === 'in') this.#incoming++;
    this.#events.opened(link.id, direction, wire.remote, url);
    return link;
  }

  readonly #owner = {
    received: (link: LinkId, bytes: Uint8Array): void => this.#events.received(link, bytes),
    closed: (link: LinkId, reason: string): void => {
      if (this.#links.get(link)?.direction === 'in') this.#incoming--;
      this.#links.delete(link);
      this.#events.closed(link, reason);
      this.#checkIdle();
    },
  };
}
