import type { LinkId } from '../../src/base/ids.js';
import type { Direction, TransportEvents } from '../../src/transport/transport.js';

export interface SeenLink {
  readonly id: LinkId;
  readonly direction: Direction;
  readonly remote: string;
  readonly url: string | undefined;
  readonly messages: Uint8Array[];
  closed: string | undefined;
}

/** Records what a transport reports, and fails where it breaks the order that TransportEvents promises. */
export class Recorder implements TransportEvents {
  readonly links: SeenLink[] = [];
  readonly failures: { url: string; reason: string }[] = [];
  readonly violations: string[] = [];
  /** Called on each link, and on each message, after it was recorded. */
  onOpened: (id: LinkId) => void = () => undefined;
  onMessage: (link: SeenLink, bytes: Uint8Array) => void = () => undefined;
  #waiting: (() => void)[] = [];

  opened(id: LinkId, direction: Direction, remote: string, url?: string): void {
    if (this.links.some((link) => link.id === id)) this.violations.push(`link ${id} opened twice`);
    this.links.push({ id, direction, remote, url, messages: [], closed: undefined });
    this.onOpened(id);
    this.#wake();
  }

  received(id: LinkId, bytes: Uint8Array): void {
    const link = this.#open(id, 'received');
    link?.messages.push(bytes);
    if (link !== undefined) this.onMessage(link, bytes);
    this.#wake();
  }

  closed(id: LinkId, reason: string): void {
    const link = this.#open(id, 'closed');
    if (link !== undefined) link.closed = reason;
    this.#wake();
  }

  dialFailed(url: string, reason: string): void {
    this.failures.push({ url, reason });
    this.#wake();
  }

  /** Resolves once `condition` holds; looks again at each event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The nth link, once it is open. */
  async link(index = 0): Promise<SeenLink> {
    await this.until(() => this.links.length > index);
    return this.links[index] as SeenLink;
  }

  async closedLink(index = 0): Promise<SeenLink> {
    const link = await this.link(index);
    await this.until(() => link.closed !== undefined);
    return link;
  }

  #open(id: LinkId, event: string): SeenLink | undefined {
    const link = this.links.find((known) => known.id === id);
    if (link === undefined) this.violations.push(`${event} on link ${id}, which was never opened`);
    else if (link.closed !== undefined) this.violations.push(`${event} on link ${id} after closed`);
    return link;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
