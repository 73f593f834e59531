import type { LinkId } from '../../../src/base/ids.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage } from '../../../src/protocol/codec.js';
import type { Chunk, MissingEntry } from '../../../src/protocol/messages.js';
import type { Input, Received, Step } from '../../../src/replica/step.js';
import { kindOf } from '../../../simulator/network.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';

/** What is answered to others. To ask for a comparison oneself, and be it to shed, claims nothing. */
const SILENT: ReadonlySet<string> = new Set(['differ', 'answer']);

/** Predicate 9: while something is missing from a damaged row, nothing is claimed for its bucket, and no comparison answered. */
export class DamageWatch {
  /** Buckets by peer, life, link and request: answers do not name theirs. `null`: who asks has nothing to compare. */
  readonly #asked = new Map<string, string | null>();

  /** What requests named as lost. */
  readonly #missing = new Map<string, readonly MissingEntry[]>();

  /** The buckets in which something was missing after a peer's last step. */
  readonly #damaged = new Map<SimPeer, ReadonlySet<string>>();

  #note(peer: SimPeer, { link, bytes }: Received): void {
    const kind = kindOf(bytes);
    if (kind !== 'deltaRequest' && kind !== 'compare' && kind !== 'listing') return;
    const message = decodeMessage(bytes);
    if (!('request' in message && 'bucket' in message)) return;
    if (message.type === 'deltaRequest')
      this.#missing.set(`${peer.url} ${peer.life} ${link} ${message.request}`, message.missing ?? []);
    const isAboutNothing = message.type === 'compare' && message.blocks.length === 0;
    const id = `${peer.url} ${peer.life} ${link} ${message.request}`;
    this.#asked.set(id, isAboutNothing ? null : message.bucket);
  }

  /** What is sent of exact dots only claims nothing but what the other side named as lost. */
  #checkVouched(peer: SimPeer, link: LinkId, { request, claims }: Chunk): void {
    const missing = this.#missing.get(`${peer.url} ${peer.life} ${link} ${request}`) ?? [];
    if (claims.within(VersionVector.ofDots(missing.toSorted((a, b) => a.seq - b.seq)))) return;
    throw new Violation('damaged-claims', `${peer.url} claims ${claims.toText()}, for which nobody asked`);
  }

  handled(peer: SimPeer, input: Input, { sends }: Step): void {
    if (input.kind === 'received') for (const message of input.messages) this.#note(peer, message);
    const before = this.#damaged.get(peer);
    const now = [...peer.replica.core.buckets.values()].filter(({ damages }) => damages.size > 0);
    this.#damaged.set(peer, new Set(now.map(({ name }) => name)));
    // What was sent earlier in the very turn in which the damage came to light could not know of it.
    const damaged = now.filter(({ name }) => before?.has(name));
    if (damaged.length === 0) return;
    for (const { link, bytes } of sends) {
      const kind = kindOf(bytes);
      if (kind !== 'chunk' && !SILENT.has(kind)) continue;
      const message = decodeMessage(bytes);
      if (!('request' in message)) continue;
      if (message.type === 'chunk' && message.exact) {
        this.#checkVouched(peer, link, message);
        continue;
      }
      const name =
        'bucket' in message
          ? message.bucket
          : this.#asked.get(`${peer.url} ${peer.life} ${link} ${message.request}`);
      if (damaged.some((bucket) => bucket.name === name)) {
        throw new Violation(
          'damaged-claims',
          `${peer.url} sends ${kind} for '${name}' while a row is missing there`,
        );
      }
    }
  }
}
