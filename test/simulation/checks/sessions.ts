import { decodeMessage } from '../../../src/protocol/codec.js';
import type { Input, Step } from '../../../src/replica/step.js';
import { kindOf } from '../../../simulator/network.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';

/** Predicate 8: a process takes no chunk that it has not asked for itself, on the link on which it asked. */
export class SessionWatch {
  readonly #asked = new Set<string>();

  handled(peer: SimPeer, input: Input, step: Step): void {
    if (input.kind === 'received') {
      const strange = input.messages.filter(({ link, bytes }) => this.#isStrange(peer, link, bytes));
      const vectors = step.persist?.vectors.length ?? 0;
      if (strange.length === input.messages.length && strange.length > 0 && vectors > 0) {
        throw new Violation('session', `${peer.url} takes a chunk that it never asked for`);
      }
    }
    for (const { link, bytes } of step.sends) {
      if (kindOf(bytes) === 'deltaRequest') this.#asked.add(requestOf(peer, link, bytes));
    }
  }

  #isStrange(peer: SimPeer, link: number, bytes: Uint8Array): boolean {
    return kindOf(bytes) === 'chunk' && !this.#asked.has(requestOf(peer, link, bytes));
  }
}

function requestOf(peer: SimPeer, link: number, bytes: Uint8Array): string {
  const message = decodeMessage(bytes);
  const request = 'request' in message ? message.request : 0;
  return `${peer.url} ${peer.life} ${link} ${request}`;
}
