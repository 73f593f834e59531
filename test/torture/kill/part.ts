import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../src/base/random.js';
import type { ConfigInput } from '../../../src/index.js';
import type { Place } from '../../e2e/chaos/field.js';
import {
  type CaseResult,
  type Context,
  numbered,
  type OpenPart,
  type Part,
  type Problem,
} from '../run/part.js';
import { covers, StoreReader } from '../tools/store-reader.js';
import { drawMoment, EXIT_ENVIRONMENT } from './moments.js';
import { World } from './world.js';

/** Kills of one cluster, after which all of it is judged. */
const CHUNK = 20;

/** `kill -9` and its like under mixed load. */
export const kill: Part = {
  name: 'kill',
  about:
    'kill -9 of one of three peers under load of all policies; its own disk must have every write that it acknowledged, and so must all peers in the end',
  tools: [],
  count: 200,
  workers: 1,
  open: (context, count) => Promise.resolve(new Kill(context, count)),
};

export class Kill implements OpenPart {
  readonly chunk = CHUNK;
  readonly cases: readonly string[];
  readonly #context: Context;

  constructor(context: Context, count: number) {
    this.#context = context;
    this.cases = numbered(count);
  }

  async *run(ids: readonly string[]): AsyncIterable<CaseResult> {
    const { seed } = this.#context;
    const storage = this.#context.storage as NonNullable<ConfigInput['storage']>;
    const random = Random.fromNumber(seed * 1_000_003 + Number(ids[0]));
    // Audits without pause: kills meet them as well.
    const config = { storage, gossip: { auditMs: 20 } };
    const world = await World.open(config, random, Array<NodeJS.ProcessEnv>(3).fill(EXIT_ENVIRONMENT));
    const reader = new StoreReader();
    let last: CaseResult | undefined;
    try {
      for (const id of ids) {
        if (last) yield last;
        last = await this.#strike(id, world, random, reader);
        // With one peer less there is nothing to go on with.
        if (last.problems.some(({ kind }) => kind === 'broken')) {
          yield last;
          return;
        }
      }
      const problems = await world.judge().catch((error: unknown): string[] => [String(error)]);
      // They belong to all kills of this cluster.
      if (last) yield { ...last, problems: [...last.problems, ...problems.map(judged)] };
    } finally {
      reader.end();
      await world.close();
    }
  }

  async #strike(id: string, world: World, random: Random, reader: StoreReader): Promise<CaseResult> {
    const moment = drawMoment(random);
    const place = random.pick(world.field.places);
    if (!place) throw new Error('there are no peers');
    const problems: Problem[] = [];
    try {
      const aftermath = await moment.strike(world, place, random);
      problems.push(...(await this.#diskOf(world, place, reader)));
      await world.field.start(place);
      await aftermath?.();
    } catch (error) {
      problems.push({ kind: 'broken', text: String(error) });
    }
    return { id, group: moment.name, outcome: 'came back', problems };
  }

  /** What the dead peer left, without the help of the others. */
  async #diskOf(world: World, place: Place, reader: StoreReader): Promise<Problem[]> {
    const directory = join(this.#context.folder, `${place.peer.name}-copy`);
    cpSync(place.peer.dataDir, directory, { recursive: true });
    const reading = await reader.read({ storage: this.#context.storage, directory, isChecked: true });
    rmSync(directory, { recursive: true });
    const { died, refused, problems = [] } = reading;
    if (died !== undefined || refused) return [{ kind: 'unopenable', text: died ?? JSON.stringify(refused) }];
    const acknowledged = world.acknowledged.get(place.number) ?? [];
    const lost = acknowledged.filter(({ bucket, dot }) => !covers(reading, bucket, dot));
    return [
      ...problems.map((text) => ({ kind: 'corrupt', text })),
      ...(lost.length > 0 ? [{ kind: 'lost', text: `${place.peer.name}: ${JSON.stringify(lost)}` }] : []),
    ];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const judged = (text: string): Problem => ({ kind: 'judged', text });
