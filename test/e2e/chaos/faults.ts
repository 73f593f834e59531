import { rmSync } from 'node:fs';
import type { Random } from '../../../src/base/random.js';
import { eventually } from '../../tools/eventually.js';
import { pause, type Unanswered } from './clients.js';
import { emptied } from './emptied.js';
import type { Field, Place } from './field.js';
import { type Cut, pairsOf } from './network.js';

/** How long a peer may take to be as far as another fault needs it. */
const PATIENCE_MS = 20_000;
const SHORTEST_MS = 300;

interface Fault {
  readonly name: string;
  /** How often, relative to the others. */
  readonly weight: number;
  /** One that must be alone. */
  readonly isAlone?: boolean;
  /** @returns whether there was anything to do it to */
  run(): Promise<boolean>;
}

/** Breaks peers and the network between them at random, and mends them again. */
export class Faults {
  /** How often each was done. */
  readonly done = new Map<string, number>();
  readonly #field: Field;
  readonly #random: Random;
  readonly #unanswered: Unanswered;
  readonly #longestMs: number;
  readonly #problems: string[];
  readonly #running = new Set<Promise<void>>();
  readonly #faults: readonly Fault[];
  #isStopped = false;
  #isAlone = false;

  /** @param longestMs how long one fault lasts at most */
  constructor(field: Field, random: Random, unanswered: Unanswered, longestMs: number, problems: string[]) {
    this.#field = field;
    this.#random = random;
    this.#unanswered = unanswered;
    this.#longestMs = longestMs;
    this.#problems = problems;
    this.#faults = [
      { name: 'kill -9', weight: 4, run: () => this.#restart('SIGKILL') },
      { name: 'SIGTERM', weight: 2, run: () => this.#restart('SIGTERM') },
      { name: 'SIGSTOP', weight: 4, run: () => this.#stopForAWhile() },
      { name: 'wipe', weight: 2, isAlone: true, run: () => this.#wipe() },
      { name: 'eviction', weight: 2, isAlone: true, run: () => this.#evict() },
      { name: 'partition', weight: 2, isAlone: true, run: () => this.#partition() },
      ...field.network.cuts.map((how) => ({ name: `${how} cut`, weight: 3, run: () => this.#cut(how) })),
    ];
  }

  get count(): number {
    return [...this.done.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Fault after fault, with pauses in between, until stopped; resolves when the last one is mended. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#next();
      await pause(this.#duration() / 3);
    }
    await Promise.all(this.#running);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #next(): Promise<void> {
    const fault = this.#draw();
    while (
      this.#running.size >= (fault.isAlone ? 1 : this.#field.places.length / 2) ||
      (this.#isAlone && this.#running.size > 0)
    )
      await Promise.race(this.#running);
    if (this.#isStopped) return;
    this.#isAlone = fault.isAlone ?? false;
    const end = fault
      .run()
      .then((happened) => {
        if (happened) this.done.set(fault.name, (this.done.get(fault.name) ?? 0) + 1);
      })
      .catch((error: unknown) => void this.#problems.push(`${fault.name}: ${String(error)}`))
      .finally(() => this.#running.delete(end));
    this.#running.add(end);
  }

  #draw(): Fault {
    let left = this.#random.float() * this.#faults.reduce((sum, { weight }) => sum + weight, 0);
    return this.#faults.find(({ weight }) => (left -= weight) < 0) ?? (this.#faults[0] as Fault);
  }

  /** Short ones more often than long ones. */
  #duration(): number {
    return SHORTEST_MS * (this.#longestMs / SHORTEST_MS) ** (this.#random.float() ** 2);
  }

  /** For a peer that no other fault has in hand, for the time of this one. */
  async #with(act: (place: Place) => Promise<boolean>): Promise<boolean> {
    const place = this.#random.pick(this.#field.running.filter(({ isBusy }) => !isBusy));
    if (!place) return false;
    place.isBusy = true;
    try {
      return await act(place);
    } finally {
      place.isBusy = false;
    }
  }

  async #end({ number, peer }: Place, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const code = await peer.kill(signal);
    this.#unanswered.ended(number);
    if (signal === 'SIGTERM' && code !== 0) this.#problems.push(`${peer.name} ended with ${String(code)}`);
  }

  #restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
    return this.#with(async (place) => {
      await this.#end(place, signal);
      await pause(this.#duration() / 2);
      await this.#field.start(place);
      return true;
    });
  }

  #stopForAWhile(): Promise<boolean> {
    return this.#with(async (place) => {
      place.isPaused = true;
      signalTo(place, 'SIGSTOP');
      await pause(this.#duration());
      signalTo(place, 'SIGCONT');
      place.isPaused = false;
      return true;
    });
  }

  async #cut(how: Cut): Promise<boolean> {
    const [a, b] = this.#random.pick(pairsOf(this.#field.places.length)) ?? [0, 1];
    const [from, to] = this.#random.float() < 0.5 ? [a, b] : [b, a];
    await this.#field.network.cut(from, to, how);
    await pause(this.#duration());
    await this.#field.network.heal(from, to);
    return true;
  }

  async #partition(): Promise<boolean> {
    const across = await this.divide();
    await pause(this.#duration());
    for (const [a, b] of across) await this.#field.network.heal(a, b);
    return true;
  }

  /** Cuts the field into two halves, or one peer off. @returns the pairs that are cut from each other */
  async divide(): Promise<[number, number][]> {
    const { network, places } = this.#field;
    const order = places.map(({ number }) => number);
    this.#random.shuffle(order);
    const left = new Set(order.slice(0, this.#random.integer(1, Math.floor(order.length / 2))));
    const across = pairsOf(order.length).filter(([a, b]) => left.has(a) !== left.has(b));
    const how = this.#random.pick(network.cuts.filter((cut) => cut !== 'one-way')) ?? 'silent';
    for (const [a, b] of across) await network.cut(a, b, how);
    return across;
  }

  /**
   * A disk is lost. The new peer under the old address has a new id; the old one, which will not come back, is evicted.
   */
  #wipe(): Promise<boolean> {
    return this.#with(async (place) => {
      const { peer } = place;
      const old = peer.id;
      await emptied(this.#field, place);
      await this.#end(place, 'SIGKILL');
      rmSync(peer.dataDir, { recursive: true });
      place.life++;
      await this.#field.start(place);
      const witness = this.#random.pick(this.#field.awake.filter((other) => other !== place));
      if (!witness) throw new Error('nobody is left');
      await eventually(
        `${witness.peer.name} knows the new ${peer.name}`,
        async () =>
          (await witness.peer.getPeers()).some(({ id, state }) => id === peer.id && state === 'connected'),
        { withinMs: PATIENCE_MS, everyMs: 100 },
      );
      // Who lost its disk before it announced itself was never a member: nobody waits for it.
      const { ok, error } = await witness.peer.call('removePeer', old, { evict: true });
      if (!ok && error?.code !== 'NOT_FOUND') throw new Error(`${old} is not evicted: ${error?.message}`);
      return true;
    });
  }

  /** A peer is away and nobody waits for it: deletes are forgotten meanwhile, and it comes back without knowing of them. */
  #evict(): Promise<boolean> {
    return this.#with(async (place) => {
      const { peer } = place;
      // Who dials it knows its address, and can let it in again.
      const witness = this.#field.awake.find(({ number }) => number > place.number);
      if (!witness) return false;
      await emptied(this.#field, place);
      await this.#end(place, 'SIGTERM');
      await witness.peer.value('removePeer', peer.id, { evict: true });
      await pause(this.#duration());
      await witness.peer.value('addPeer', this.#field.network.configOf(witness.number).peers[place.number]);
      await this.#field.start(place);
      return true;
    });
  }
}

function signalTo({ peer }: Place, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (peer.pid === undefined) throw new Error(`${peer.name} does not run`);
  process.kill(peer.pid, signal);
}
