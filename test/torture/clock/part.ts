import { join } from 'node:path';
import { Random } from '../../../src/base/random.js';
import type { ConfigInput } from '../../../src/index.js';
import { pause } from '../../e2e/chaos/clients.js';
import { World } from '../kill/world.js';
import {
  type CaseResult,
  type Context,
  numbered,
  type OpenPart,
  type Part,
  type Problem,
} from '../run/part.js';
import { FakeClock } from './fake-clock.js';

const HOUR_S = 3600;
/** Load before, under and after the wrong clock, milliseconds. */
const BEFORE_MS = 500;
const WRONG_MS = 2500;
const AFTER_MS = 500;
const JUMPS = 8;
/** Between two jumps at most, seconds of the wall clock. */
const FARTHEST_S = 2 * HOUR_S;

/** What may be refused while a clock is wrong. */
const EXCUSED = '"CLOCK_DRIFT"';

interface WrongClock {
  readonly name: string;
  /** Resolves when it has been wrong for long enough. */
  run(clock: FakeClock, random: Random): Promise<void>;
}

const wrong =
  (set: (clock: FakeClock) => void): WrongClock['run'] =>
  async (clock) => {
    set(clock);
    await pause(WRONG_MS);
  };

const CLOCKS: readonly WrongClock[] = [
  { name: 'an hour ahead', run: wrong((clock) => clock.set(`+${HOUR_S}`)) },
  { name: 'an hour behind', run: wrong((clock) => clock.set(`-${HOUR_S}`)) },
  { name: 'standing still', run: wrong((clock) => clock.standStill()) },
  {
    name: 'jumping',
    run: async (clock, random) => {
      for (let jump = 0; jump < JUMPS; jump++) {
        const seconds = random.integer(-FARTHEST_S, FARTHEST_S);
        clock.set(`${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`);
        await pause(WRONG_MS / JUMPS);
      }
    },
  },
];

/** Clocks that go wrong under load. */
export const clock: Part = {
  name: 'clock',
  about:
    'The clock of one of three peers goes wrong under load of all policies: an hour ahead, behind, jumping, standing still; when it is right again all must be the same, with every acknowledged write',
  tools: ['faketime'],
  count: 20,
  workers: 1,
  open: (context, count) => Promise.resolve(new Clocks(context, count)),
};

class Clocks implements OpenPart {
  readonly chunk = 1;
  readonly cases: readonly string[];
  readonly #context: Context;

  constructor(context: Context, count: number) {
    this.#context = context;
    this.cases = numbered(count);
  }

  async *run(ids: readonly string[]): AsyncIterable<CaseResult> {
    for (const id of ids) {
      // Each in turn, so that few cases show all.
      const kind = CLOCKS[(Number(id) - 1) % CLOCKS.length] as WrongClock;
      const base = { id, group: kind.name };
      try {
        yield { ...base, ...(await this.#play(id, kind)) };
      } catch (error) {
        yield { ...base, outcome: 'broken', problems: [{ kind: 'broken', text: String(error) }] };
      }
    }
  }

  async #play(id: string, kind: WrongClock): Promise<{ outcome: string; problems: Problem[] }> {
    const random = Random.fromNumber(this.#context.seed * 1_000_003 + Number(id));
    const fake = new FakeClock(join(this.#context.folder, `clock${id}`));
    const storage = this.#context.storage as NonNullable<ConfigInput['storage']>;
    const world = await World.open({ storage }, random, [fake.environment]);
    try {
      fake.watch(world.field.places[0]?.peer.pid);
      await pause(BEFORE_MS);
      const before = world.operations;
      await kind.run(fake, random);
      const under = world.operations - before;
      fake.set('+0');
      await pause(AFTER_MS);
      const refused = world.problems.filter((text) => text.includes(EXCUSED)).length;
      const problems = (await world.judge()).filter((text) => !text.includes(EXCUSED));
      if (under === 0) problems.push('nothing was written meanwhile');
      return {
        outcome: refused > 0 ? 'refused some, kept all' : 'kept all',
        problems: problems.map((text) => ({ kind: 'judged', text })),
      };
    } finally {
      await world.close();
      fake.close();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
