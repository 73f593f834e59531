import { Random } from '../../../src/base/random.js';
import type { ConfigInput } from '../../../src/index.js';
import type { Book } from '../../e2e/chaos/books/book.js';
import { CounterBook } from '../../e2e/chaos/books/counter.js';
import { FwwBook } from '../../e2e/chaos/books/fww.js';
import { LwwBook } from '../../e2e/chaos/books/lww.js';
import { SetsBook } from '../../e2e/chaos/books/sets.js';
import { SiblingsBook } from '../../e2e/chaos/books/siblings.js';
import { type Attempt, Client, Unanswered } from '../../e2e/chaos/clients.js';
import { BUCKET_NAMES, Field, type Place } from '../../e2e/chaos/field.js';
import { errorsIn } from '../../e2e/chaos/logs.js';
import { snapshotOf, textsOf } from '../../e2e/chaos/snapshot.js';
import { eventually } from '../../tools/eventually.js';

/** A bucket that no client writes to, for imports. */
export const IMPORTED = 'imported';
const CLIENTS = 6;
const PAUSE_MS = 4;
const SAME_WITHIN_MS = 60_000;

/** An acknowledged write, as the peer that acknowledged it must have it on its disk. */
export interface Acknowledged {
  readonly bucket: string;
  readonly dot: string;
}

/** Notes which dots each peer has acknowledged in its present life. */
class NotingClient extends Client {
  note: (place: Attempt['place'], acknowledged: Acknowledged) => void = () => undefined;

  override async call(event: string, ...args: unknown[]): Promise<Attempt> {
    const attempt = await super.call(event, ...args);
    const { dot } = (attempt.ack?.ok === true && event !== 'get' ? attempt.ack.value : {}) as {
      dot?: string;
    };
    const { bucket = 'default' } = (args.at(-1) ?? {}) as { bucket?: string };
    if (dot !== undefined) this.note(attempt.place, { bucket, dot });
    return attempt;
  }
}

/** Three real peers on disk under a load of all policies, with books of what was acknowledged. */
export class World {
  readonly field: Field;
  readonly unanswered = new Unanswered();
  /** By place: what it has acknowledged since its store was last empty. */
  readonly acknowledged = new Map<number, Acknowledged[]>();
  readonly problems: string[] = [];
  readonly #books: readonly Book[] = [
    new LwwBook(),
    new FwwBook(),
    new SiblingsBook(),
    new CounterBook(),
    new SetsBook(),
  ];
  readonly #clients: readonly NotingClient[];
  #running: Promise<unknown> = Promise.resolve();

  private constructor(field: Field, random: Random) {
    this.field = field;
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => {
      const own = Random.fromNumber(random.uint32());
      const client = new NotingClient(`c${i}`, field, own, this.unanswered, this.#books, this.problems);
      client.note = (place, acknowledged) => this.#note(place, acknowledged);
      return client;
    });
  }

  /** Starts peers and load. @param environments of the peers, by place */
  static async open(
    config: Partial<ConfigInput>,
    random: Random,
    environments: readonly NodeJS.ProcessEnv[] = [],
  ): Promise<World> {
    const field = await Field.open(3, { ...config, buckets: { [IMPORTED]: { policy: 'lww' } } });
    const world = new World(field, random);
    for (const { peer, number } of field.places) peer.env = environments[number] ?? {};
    try {
      await Promise.all(field.places.map((place) => field.start(place)));
    } catch (error) {
      await field.close();
      throw error;
    }
    world.#running = Promise.all(world.#clients.map((client) => client.run(PAUSE_MS)));
    return world;
  }

  get operations(): number {
    return this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  #note(place: number, acknowledged: Acknowledged): void {
    const list = this.acknowledged.get(place) ?? [];
    if (list.push(acknowledged) === 1) this.acknowledged.set(place, list);
  }

  /** Ends the load, waits until all peers are the same, and says what is wrong with what they hold. */
  async judge(): Promise<string[]> {
    await this.#stop();
    const { places } = this.field;
    await eventually('all peers are the same', () => this.#isSame(), {
      withinMs: SAME_WITHIN_MS,
      everyMs: 50,
    });
    const [first, ...others] = places;
    const snapshot = await snapshotOf(first as Place);
    for (const book of this.#books) this.problems.push(...book.judge(snapshot));
    const texts = new Set(textsOf(snapshot));
    for (const other of others) {
      const different = textsOf(await snapshotOf(other)).filter((text) => !texts.has(text));
      if (different.length > 0)
        this.problems.push(`${other.peer.name} holds other data: ${different.join(' | ')}`);
    }
    return [...this.problems, ...errorsIn(this.field)];
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients) client.stop();
    await this.#running;
  }

  async #isSame(): Promise<boolean> {
    const statuses = await Promise.all(this.field.places.map((place) => this.field.status(place)));
    const states = statuses.map(({ buckets }) =>
      JSON.stringify([...BUCKET_NAMES, IMPORTED].map((name) => [buckets[name]?.hash, buckets[name]?.keys])),
    );
    if (new Set(states).size === 1) return true;
    const held = statuses.map(({ heldUntil = {} }) => heldUntil);
    throw new Error(`${states.join('\n')} held back: ${JSON.stringify(held)}`);
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.field.close();
  }
}
