import { readFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { keyOf, now, valueOf, type BenchValue } from '../data.js';
import { canReconnect, type BenchPeer, type PeerSettings } from '../peers/peer.js';
import { PlainPeer } from '../peers/plain.js';
import { RumeurPeer } from '../peers/rumeur.js';
import { wireBytes } from './wire-bytes.js';

/** Keys `from` to `from + count - 1` under a prefix of one letter. */
export interface Load {
  readonly prefix: string;
  readonly from: number;
  readonly count: number;
}

export interface Span {
  readonly begin: number;
  readonly end: number;
}

export interface Usage {
  readonly cpuMs: number;
  readonly wireBytes: number;
}

/** How many keys go into one call of `load`. */
const BATCH = 1000;
// Not shorter: to ask a Rumeur peer for its status costs more than to ask the plain one for a number.
const POLL_MS = 5;
const SAMPLES = 200;

/** What the runner can ask of the peer in this process. Times are of `now()`. */
export class Driver {
  readonly #notify: (latencyMs: number) => void;
  #peer: BenchPeer | undefined;

  constructor(notify: (latencyMs: number) => void) {
    this.#notify = notify;
  }

  get #opened(): BenchPeer {
    if (this.#peer === undefined) throw new Error('no peer is open yet');
    return this.#peer;
  }

  async open(settings: PeerSettings): Promise<{ url: string; begin: number }> {
    const begin = now();
    this.#peer =
      settings.variant === 'plain' ? await PlainPeer.open(settings.peers) : await RumeurPeer.open(settings);
    return { url: this.#peer.url, begin };
  }

  /** Resolves when this peer is connected to so many others. */
  async linked({ links, withinMs }: { links: number; withinMs: number }): Promise<void> {
    await reached('links', () => this.#opened.links(), links, withinMs);
  }

  /** One `set` a key, `inFlight` of them waiting for their acknowledgement at a time. */
  async write({ prefix, from, count, inFlight }: Load & { inFlight: number }): Promise<Span> {
    const peer = this.#opened;
    let next = from;
    const lane = async (): Promise<void> => {
      while (next < from + count) {
        const index = next++;
        const acknowledged = peer.set(keyOf(prefix, index), valueOf(index));
        if (acknowledged) await acknowledged;
        // What acknowledges at once must still let its sockets work.
        else if (index % inFlight === 0) await turn();
      }
    };
    const begin = now();
    await Promise.all(Array.from({ length: inFlight }, lane));
    return { begin, end: now() };
  }

  async load({ prefix, from, count }: Load): Promise<void> {
    for (let at = from; at < from + count; at += BATCH) {
      const length = Math.min(BATCH, from + count - at);
      const rows = Array.from({ length }, (_, i) => [keyOf(prefix, at + i), valueOf(at + i)] as const);
      await this.#opened.load(rows);
      await turn();
    }
  }

  /** When this peer holds so many keys. */
  async holds({ keys, withinMs }: { keys: number; withinMs: number }): Promise<number> {
    return reached('keys', () => this.#opened.keys(), keys, withinMs);
  }

  /** Reads a sample and fails when a value is not the one that was written. */
  async verify({ prefix, from, count }: Load): Promise<void> {
    const step = Math.max(1, Math.floor(count / SAMPLES));
    for (let index = from; index < from + count; index += step) {
      const value = JSON.stringify(await this.#opened.get(keyOf(prefix, index)));
      if (value !== JSON.stringify(valueOf(index))) {
        throw new Error(`${keyOf(prefix, index)} holds ${value}, which nobody wrote`);
      }
    }
  }

  /** From now on the runner is told how long each value with that prefix has been under way. */
  watch({ prefix }: { prefix: string }): Promise<void> {
    this.#opened.watch(prefix, ({ at }: BenchValue) => this.#notify(now() - at));
    return Promise.resolve();
  }

  /** @returns how long the acknowledgement took, milliseconds */
  async setOne({ prefix, index }: { prefix: string; index: number }): Promise<number> {
    const at = now();
    await this.#opened.set(keyOf(prefix, index), valueOf(index, at));
    return now() - at;
  }

  disconnect(): Promise<void> {
    const peer = this.#opened;
    if (canReconnect(peer)) peer.disconnect();
    return Promise.resolve();
  }

  reconnect(): Promise<{ begin: number; bytesBefore: number }> {
    const peer = this.#opened;
    const before = { begin: now(), bytesBefore: wireBytes() };
    if (canReconnect(peer)) peer.reconnect();
    return Promise.resolve(before);
  }

  /** What this process has used so far: CPU milliseconds, kernel and all threads included, and bytes read and written. */
  usage(): Promise<Usage> {
    const { user, system } = process.cpuUsage();
    return Promise.resolve({ cpuMs: (user + system) / 1000, wireBytes: wireBytes() });
  }

  /** Resident bytes of this process after garbage collection; `anonymous` without mapped files, where known. */
  async memory(): Promise<{ resident: number; anonymous: number }> {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await wait(100);
    }
    const { rss } = process.memoryUsage();
    return { resident: rss, anonymous: anonymousBytes() ?? rss };
  }

  async close(): Promise<void> {
    await this.#peer?.close();
  }
}

async function reached(what: string, count: () => number, goal: number, withinMs: number): Promise<number> {
  const until = now() + withinMs;
  for (;;) {
    const reachedNow = count();
    const at = now();
    if (reachedNow >= goal) return at;
    if (at > until) throw new Error(`${reachedNow} of ${goal} ${what} after ${withinMs} ms`);
    await wait(POLL_MS);
  }
}

function anonymousBytes(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const found = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return found?.[1] === undefined ? undefined : Number(found[1]) * 1024;
}
