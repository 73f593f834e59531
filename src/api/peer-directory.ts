import type { OriginId, PeerId } from '../base/ids.js';
import { activeLinks, type Core } from '../replica/core.js';
import type { Members } from '../replica/members.js';
import type { PeerNames } from './explain.js';
import type { PeerName } from './explanation.js';

/** Which peer is behind an origin, by what members announced, and what peers are called. */
export class PeerDirectory implements PeerNames {
  readonly #core: Core;
  readonly #ownName: string;
  readonly #members: Members;

  constructor(core: Core, ownName: string, members: Members) {
    this.#core = core;
    this.#ownName = ownName;
    this.#members = members;
  }

  ofOrigin(origin: OriginId): PeerName | null {
    const { self } = this.#core;
    if (origin === this.#core.origin) return { id: self.peer, name: this.#ownName };
    for (const { peer, name, origins } of this.#members.all()) {
      if (origins.includes(origin)) return { id: peer, name };
    }
    return null;
  }

  ofPeer(peer: PeerId): PeerName {
    if (peer === this.#core.self.peer) return { id: peer, name: this.#ownName };
    const link = activeLinks(this.#core).find(({ hello }) => hello?.peer === peer);
    const known = [...this.#core.addresses.active()].find(({ record }) => record.id === peer);
    const name = link?.hello?.name ?? known?.record.name ?? this.#members.get(peer)?.name;
    return { id: peer, name: name ?? null };
  }
}
