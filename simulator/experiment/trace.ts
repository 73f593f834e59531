import type { Dot } from '../../src/data/dot.js';
import { dotToText } from '../../src/data/dot.js';
import { decodeMessage, unpackOps } from '../../src/protocol/codec.js';
import type { SimPeer } from '../sim-peer.js';
import type { Observer, World } from '../world.js';
import { Stretch, type Traced } from './stretch.js';

/** What one frame brings: how many operations, and the traced ones. */
interface Load {
  readonly size: number;
  readonly writes: readonly Traced[];
}

const NOTHING: Load = { size: 0, writes: [] };

/** Follows each write from peer to peer, by the messages that carry it. */
export class Trace {
  readonly #world: World;
  readonly #writes = new Map<string, Traced>();
  /** A frame comes to many peers in the same bytes: it is opened once. */
  readonly #loads = new WeakMap<Uint8Array, Load>();
  #stretch: Stretch;

  constructor(world: World) {
    this.#world = world;
    this.#stretch = new Stretch(world);
  }

  /** What looks on, for the world. */
  get observer(): Observer {
    return {
      handled: (peer, input, step) => {
        if (input.kind !== 'writes') return;
        for (const { after } of step.persist?.puts ?? []) {
          const made = after.find(({ origin }) => origin === peer.replica.core.origin);
          if (made) this.#made(peer, made);
        }
      },
      delivered: (from, to, kind, bytes) => this.#delivered(from, to, kind, bytes),
    };
  }

  /** What is written from now on is counted on its own. */
  begin(): Stretch {
    this.#stretch = new Stretch(this.#world);
    return this.#stretch;
  }

  #made(writer: SimPeer, dot: Dot): void {
    this.#writes.set(dotToText(dot), this.#stretch.made(writer, dot.seq));
  }

  #delivered(from: SimPeer, to: SimPeer, kind: string, bytes: Uint8Array): void {
    if (kind !== 'push' && kind !== 'chunk') return;
    const { size, writes } = this.#loadOf(bytes);
    for (const write of writes) write.stretch.delivered(from, to, write, kind, bytes.length / size);
  }

  #loadOf(bytes: Uint8Array): Load {
    let load = this.#loads.get(bytes);
    if (load === undefined) this.#loads.set(bytes, (load = this.#open(bytes)));
    return load;
  }

  #open(bytes: Uint8Array): Load {
    const message = decodeMessage(bytes);
    if (message.type !== 'push' && message.type !== 'chunk') return NOTHING;
    const dots = message.type === 'push' ? unpackOps(message.origin, message.body) : message.entries;
    const writes = dots.map((dot) => this.#writes.get(dotToText(dot))).filter((write) => write !== undefined);
    return { size: dots.length, writes };
  }
}
