import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CaseResult, Context, OpenPart, Part, Problem } from '../run/part.js';
import { StoreReader } from '../tools/store-reader.js';
import { Victim } from '../victim/victim.js';
import { type Scene, strikeCommit } from './commit.js';
import { strikeOpen } from './open.js';
import { countsOf, type Fault, faultNamed, faultsAt, nameOf, type Stage } from './plan.js';

/** Writes that are in a store which was used before. */
const USED = 12;

/** Faults at each system call of opening, commits, flushes and closing, each by itself. */
export const faults: Part = {
  name: 'faults',
  about: 'Every system call of opening, commit, flush and close fails once, and from then on, one at a time',
  tools: ['strace'],
  count: 10_000,
  workers: 2,
  open: async (context, count) => {
    const part = new Faults(context);
    await part.prepare(count);
    return part;
  },
};

class Faults implements OpenPart {
  readonly chunk = 1;
  cases: readonly string[] = [];
  readonly #context: Context;
  readonly #used: string;
  readonly #idle: StoreReader[] = [];
  #number = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#used = join(context.folder, 'used');
  }

  /** Runs each stage once without a fault, to see what calls there are. */
  async prepare(count: number): Promise<void> {
    await this.#makeUsed();
    const names: string[] = [];
    for (const stage of ['commit', 'open new', 'open used'] as const) {
      await this.#with(stage, async (scene) => {
        await this.#strike(scene, stage, undefined);
        names.push(...faultsAt(stage, countsOf(scene.trace, scene.directory)).map(nameOf));
      });
    }
    this.cases = names.slice(0, count);
  }

  /** A store that was written to, and left as a killed process leaves it. */
  async #makeUsed(): Promise<void> {
    const { storage } = this.#context;
    const victim = new Victim({ dataDir: this.#used, storage });
    await victim.opened();
    await victim.write(0, USED);
    await victim.kill();
  }

  async *run(ids: readonly string[]): AsyncIterable<CaseResult> {
    for (const id of ids) {
      const fault = faultNamed(id);
      yield await this.#with(fault.stage, async (scene) => {
        const result = await this.#strike(scene, fault.stage, fault).catch(failed);
        return { id, group: `${fault.stage}: ${fault.call} ${fault.error}`, ...result };
      });
    }
  }

  #strike(scene: Scene, stage: Stage, fault: Fault | undefined): Promise<Omit<CaseResult, 'id' | 'group'>> {
    if (stage === 'commit') return strikeCommit(scene, fault);
    const kept = stage === 'open used' ? Array.from({ length: USED }, (_, n) => n) : [];
    return strikeOpen(scene, fault, kept);
  }

  async #with<T>(stage: Stage, act: (scene: Scene) => Promise<T>): Promise<T> {
    const folder = join(this.#context.folder, String(++this.#number));
    mkdirSync(folder);
    const directory = join(folder, 'd');
    if (stage === 'open used') cpSync(this.#used, directory, { recursive: true });
    const reader = this.#idle.pop() ?? new StoreReader();
    const { storage } = this.#context;
    const scene = {
      storage,
      reader,
      folder,
      directory,
      acks: join(folder, 'acks'),
      trace: join(folder, 't'),
    };
    try {
      return await act(scene);
    } finally {
      this.#idle.push(reader);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  close(): Promise<void> {
    for (const reader of this.#idle) reader.end();
    return Promise.resolve();
  }
}

const failed = (error: unknown): { outcome: string; problems: Problem[] } => ({
  outcome: 'broken',
  problems: [
    { kind: 'broken', text: error instanceof Error ? (error.stack ?? error.message) : String(error) },
  ],
});
