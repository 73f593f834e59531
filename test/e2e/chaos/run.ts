import Table from 'cli-table3';
import { Random } from '../../../src/base/random.js';
import type { Status } from '../../../src/index.js';
import { eventually } from '../../tools/eventually.js';
import type { Book } from './books/book.js';
import { CounterBook } from './books/counter.js';
import { FwwBook } from './books/fww.js';
import { LwwBook } from './books/lww.js';
import { SetsBook } from './books/sets.js';
import { SiblingsBook } from './books/siblings.js';
import { Client, pause, Unanswered } from './clients.js';
import { Faults } from './faults.js';
import { BUCKET_NAMES, type Field, type Place } from './field.js';
import { warningsIn } from './logs.js';
import { Observer } from './observer.js';
import { snapshotOf, textsOf } from './snapshot.js';

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults and load go on. */
  readonly ms: number;
  readonly clients: number;
  /** Between two operations of a client, on average. */
  readonly pauseMs: number;
  /** The last peer joins when this part of the time is over. */
  readonly joinsAfter: number;
  readonly tell?: (line: string) => void;
}

const TELL_MS = 10_000;
/** All must be the same so soon after the last fault was mended. */
export const CONVERGED_WITHIN_MS = 10_000;
/** Tombstones must be gone so long after that. */
const TIDY_WITHIN_MS = 15_000;
const LONGEST_FAULT_MS = 60_000;
/** The last part of the time, in which nothing happens but that two halves of the field write without each other. */
const DIVIDED = 0.15;

/** A run of random faults under load: breaks, heals, and says what is wrong afterwards. */
export class Chaos {
  readonly problems: string[] = [];
  readonly observer: Observer;
  readonly faults: Faults;
  readonly #field: Field;
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #unanswered = new Unanswered();
  readonly #books: readonly Book[] = [
    new LwwBook(),
    new FwwBook(),
    new SiblingsBook(),
    new CounterBook(),
    new SetsBook(),
  ];
  readonly #clients: readonly Client[];
  convergedMs = NaN;
  tidyMs = NaN;

  constructor(field: Field, options: ChaosOptions) {
    this.#field = field;
    this.#options = options;
    this.#random = Random.fromNumber(options.seed);
    this.observer = new Observer(field);
    const longest = Math.min(LONGEST_FAULT_MS, options.ms / 8);
    this.faults = new Faults(field, this.#fork(), this.#unanswered, longest, this.problems);
    this.#clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(`c${i}`, field, this.#fork(), this.#unanswered, this.#books, this.problems),
    );
  }

  #fork(): Random {
    return Random.fromNumber(this.#random.uint32());
  }

  get operations(): number {
    return this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  get unanswered(): number {
    return this.#unanswered.count;
  }

  /** Load and faults, for as long as asked. */
  async break(): Promise<void> {
    const { places } = this.#field;
    const { ms, joinsAfter } = this.#options;
    const late = places.at(-1) as Place;
    late.isBusy = true;
    for (const place of places) if (place !== late) await this.#field.start(place);
    this.observer.start();
    const clients = this.#clients.map((client) => client.run(this.#options.pauseMs));
    const faults = this.faults.run();
    await this.#wait(ms * joinsAfter);
    await this.#field.start(late);
    late.isBusy = false;
    await this.#wait(ms * (1 - DIVIDED));
    this.faults.stop();
    await faults;
    // So that there is something to heal.
    await this.faults.divide();
    await this.#wait(Math.max(ms, this.observer.elapsedMs + ms * (DIVIDED / 2)));
    for (const client of this.#clients) client.stop();
    await Promise.all(clients);
    await this.observer.stop();
  }

  async #wait(until: number): Promise<void> {
    const { ms, tell } = this.#options;
    for (let left = until - this.observer.elapsedMs; left > 0; left = until - this.observer.elapsedMs) {
      await pause(Math.min(left, TELL_MS));
      const at = `${Math.round(this.observer.elapsedMs / 1000)} of ${Math.round(ms / 1000)} s`;
      const memory = `${megabytes(this.observer.peak(0, 1))} MB at most`;
      tell?.(
        `${at}: ${this.faults.count} faults, ${this.operations} operations, ${memory}, ${this.problems.length} problems`,
      );
    }
  }

  /** Mends everything and waits until all peers are the same. */
  async heal(): Promise<void> {
    const from = performance.now();
    await this.#field.healAll();
    await eventually('all peers are the same', () => this.#isSame(), {
      withinMs: CONVERGED_WITHIN_MS,
      everyMs: 100,
    });
    this.convergedMs = performance.now() - from;
    await this.observer.look();
  }

  async #isSame(): Promise<boolean> {
    const states = await this.#statuses();
    const same = new Set(states.map((status) => stateOf(status))).size === 1;
    if (!same) throw new Error(states.map((status) => `${status.name}: ${stateOf(status)}`).join('\n'));
    return true;
  }

  #statuses(): Promise<Status[]> {
    return Promise.all(this.#field.places.map((place) => this.#field.status(place)));
  }

  /** Compares all that the peers hold with each other and with what was acknowledged. */
  async judge(): Promise<void> {
    const [first, ...others] = this.#field.places;
    const snapshot = await snapshotOf(first as Place);
    for (const book of this.#books) this.problems.push(...book.judge(snapshot));
    const texts = new Set(textsOf(snapshot));
    for (const other of others) {
      const theirs = textsOf(await snapshotOf(other));
      const different = theirs.filter((text) => !texts.has(text));
      if (different.length > 0 || theirs.length !== texts.size)
        this.problems.push(`${other.peer.name} holds other data: ${different.join(' | ')}`);
    }
  }

  /** Waits until all tombstones are gone, which must change nothing that stands. */
  async tidy(): Promise<void> {
    const from = performance.now();
    const before = (await this.#statuses()).map((status) => hashesOf(status));
    await eventually(
      'tombstones are gone',
      async () => {
        const buckets = (await this.#statuses()).flatMap(({ name, buckets }) =>
          Object.entries(buckets).map(([bucket, { tombstones, heldBy }]) => ({
            name,
            bucket,
            tombstones,
            heldBy,
          })),
        );
        const left = buckets.filter(({ tombstones }) => tombstones > 0);
        if (left.length > 0) throw new Error(JSON.stringify(left));
        return true;
      },
      { withinMs: TIDY_WITHIN_MS, everyMs: 100 },
    );
    this.tidyMs = performance.now() - from;
    await this.#isSame();
    const after = (await this.#statuses()).map((status) => hashesOf(status));
    if (before.join() !== after.join()) this.problems.push('what stands has changed with the tombstones');
    await this.observer.look();
  }

  get table(): string {
    const table = new Table({ style: { head: [], border: [] } });
    const add = (name: string, value: string | number): void => void table.push([name, String(value)]);
    add('seed', this.#options.seed);
    add('network', this.#field.network.kind);
    add('peers', this.#field.places.length);
    for (const [name, count] of [...this.faults.done].sort()) add(`faults: ${name}`, count);
    add('operations acknowledged', this.operations);
    add('operations without an answer', this.unanswered);
    for (const [name, count] of this.observer.counters) add(name, count);
    for (const [event, count] of [...warningsIn(this.#field)].sort()) add(`warnings: ${event}`, count);
    add('all the same after', `${Math.round(this.convergedMs)} ms`);
    add('no tombstones after', `${Math.round(this.tidyMs)} ms more`);
    add('memory, most at 20 to 60% of the time', `${megabytes(this.observer.peak(0.2, 0.6))} MB`);
    add('memory, most at the end', `${megabytes(this.observer.peak(0.9, 1))} MB`);
    return table.toString();
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

const hashesOf = ({ buckets }: Status): string =>
  BUCKET_NAMES.map((name) => buckets[name]?.hash ?? '').join(' ');

/** What two peers that are the same have in common. */
const stateOf = ({ buckets }: Status): string =>
  BUCKET_NAMES.map((name) => {
    const { hash, vector, keys } = buckets[name] ?? { hash: '', vector: {}, keys: 0 };
    const rows = Object.entries(vector).map(([origin, set]) => `${origin}:${set}`);
    return `${name} ${keys} ${hash} ${rows.sort().join(';')}`;
  }).join('\n');
