import type { Socket } from 'socket.io-client';
import type { Random } from '../../../src/base/random.js';
import type { PeerProcess } from '../../tools/peer-process.js';
import { type Ack, connect } from '../../tools/socket-client.js';

/** The writes go round over so many keys. */
const KEYS = 2000;
const TICK_MS = 20;
const ANSWER_MS = 10_000;
/** A quiet gap between the last write of a key and the next, far longer than any answer takes, keeps their order known. */
const keyOf = (index: number): string => `key-${index % KEYS}`;

/** One write: by the name of the peer that took it, milliseconds after the load began. */
export interface Made {
  readonly at: string;
  readonly afterMs: number;
}

/** Clients that write all over the cluster, at a rate that does not depend on the answers. */
export class Load {
  readonly #random: Random;
  readonly #sockets = new Map<PeerProcess, Socket>();
  /** For each key the last write that was acknowledged. */
  readonly #kept = new Map<string, number>();
  readonly #open = new Set<Promise<void>>();
  #index = 0;
  acknowledged = 0;
  unanswered = 0;
  readonly refused = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  async attach(peer: PeerProcess): Promise<void> {
    const socket = await connect(peer.url, { transports: ['websocket'] });
    this.#sockets.get(peer)?.disconnect();
    this.#sockets.set(peer, socket);
    socket.once('disconnect', () => {
      if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer);
    });
  }

  /** Writes so many a second until the time is over, and waits for the answers. @returns what was written where */
  async run(perSecond: number, ms: number): Promise<Made[]> {
    const from = performance.now();
    const made: Made[] = [];
    let begun = 0;
    for (let now = 0; now < ms; now = performance.now() - from) {
      for (const due = Math.floor((now * perSecond) / 1000); begun < due; begun++) {
        const at = this.#write();
        if (at !== undefined) made.push({ at, afterMs: now });
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(this.#open);
    return made;
  }

  /** @returns the name of the peer that was asked to, if there was one */
  #write(): string | undefined {
    const [peer, socket] = this.#random.pick([...this.#sockets]) ?? [];
    if (!peer || !socket) return undefined;
    const index = this.#index++;
    const done = this.#answered(socket, index).finally(() => this.#open.delete(done));
    this.#open.add(done);
    return peer.name;
  }

  async #answered(socket: Socket, index: number): Promise<void> {
    let ack: Ack;
    try {
      ack = (await socket.timeout(ANSWER_MS).emitWithAck('set', keyOf(index), index)) as Ack;
    } catch {
      // Its peer was killed: it may have been done or not.
      this.unanswered++;
      return;
    }
    if (ack.ok) {
      this.acknowledged++;
      this.#kept.set(keyOf(index), Math.max(index, this.#kept.get(keyOf(index)) ?? 0));
    } else {
      const code = ack.error?.code ?? '?';
      this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    }
  }

  /** Acknowledged writes that are not there any more. */
  async lostAt(peer: PeerProcess): Promise<string[]> {
    const lost: string[] = [];
    for (const [key, index] of this.#kept) {
      const value = await peer.get(key);
      if (typeof value !== 'number' || value < index)
        lost.push(`${key}: ${String(value)} instead of ${index}`);
    }
    return lost;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.disconnect();
  }
}
