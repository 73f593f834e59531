import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../src/base/random.js';
import {
  type CaseResult,
  type Context,
  numbered,
  type OpenPart,
  type Part,
  type Problem,
} from '../run/part.js';
import { Died } from '../tools/asked-process.js';
import { presentFilesOf } from '../tools/store.js';
import { StoreReader } from '../tools/store-reader.js';
import { type Expected, judgeShown } from './judge.js';
import { Pack } from './pack.js';
import type { BucketKey, Opened, Shown } from './pack-protocol.js';
import { type Kind, KINDS, renewNote, spoil } from './spoil.js';

const CHUNK = 10;
/** Peers that can repair each other do so within this time, milliseconds. */
const REPAIR_MS = 10_000;
/** So long audits look through what is there, milliseconds: some hundred rows each 10 ms. */
const AUDIT_MS = 500;

/** Bits, pages and files that go bad, before a start and while peers run. */
export const damage: Part = {
  name: 'damage',
  about:
    'Flipped bits, zeroed, random and swapped pages, truncated and missing files, under one peer and three: nobody shows what was never written, three end up whole, a lone one names what it lost',
  tools: [],
  count: 300,
  workers: 2,
  open: async (context, count) => {
    const part = new Damage(context, count);
    await part.prepare();
    return part;
  },
};

/** What happens in one case. */
interface Scene {
  readonly count: 1 | 3;
  /** How many of the peers are struck, each somewhere else. */
  readonly struck: number;
  readonly kind: Kind;
  readonly isRunning: boolean;
  readonly random: Random;
  readonly directories: readonly string[];
  readonly pack: Pack;
  readonly reader: StoreReader;
  readonly id: string;
}

/** What was seen of a case. */
interface Course {
  deaths: string[];
  what: string[];
  opened: Opened;
  isSettled: boolean;
  shown: readonly Shown[];
}

class Damage implements OpenPart {
  readonly chunk = CHUNK;
  readonly cases: readonly string[];
  readonly #context: Context;
  readonly #expected = new Map<number, Expected>();
  readonly #idle: { pack: Pack; reader: StoreReader }[] = [];

  constructor(context: Context, count: number) {
    this.#context = context;
    this.cases = numbered(count);
  }

  /** A synced cluster of one peer and one of three, of which each case gets a copy. */
  async prepare(): Promise<void> {
    const pack = new Pack();
    try {
      for (const count of [1, 3] as const) await this.#makeTemplate(pack, count);
    } finally {
      pack.end();
    }
  }

  async #makeTemplate(pack: Pack, count: number): Promise<void> {
    const { storage } = this.#context;
    const directories = this.#template(count);
    await pack.ask<Opened>({ do: 'open', directories, cluster: 'template', storage });
    const keys = await pack.ask<BucketKey[]>({ do: 'fill' });
    if (!(await pack.ask<boolean>({ do: 'settle', ms: REPAIR_MS, forMs: 0 })))
      throw new Error('the template did not come to rest');
    const [shown] = await pack.ask<Shown[]>({ do: 'read', keys });
    const texts = (shown?.values ?? []).map((answer) => ('text' in answer ? answer.text : null));
    this.#expected.set(count, { keys, texts });
    await pack.ask({ do: 'close' });
  }

  #template(count: number): string[] {
    return Array.from({ length: count }, (_, n) => join(this.#context.folder, `template${count}`, String(n)));
  }

  async *run(ids: readonly string[]): AsyncIterable<CaseResult> {
    const tools = this.#idle.pop() ?? { pack: new Pack(), reader: new StoreReader() };
    try {
      for (const id of ids) yield await this.#case(id, tools);
    } finally {
      this.#idle.push(tools);
    }
  }

  async #case(id: string, tools: { pack: Pack; reader: StoreReader }): Promise<CaseResult> {
    const random = Random.fromNumber(this.#context.seed * 1_000_003 + Number(id));
    const count = random.float() < 0.5 ? 1 : 3;
    const struck = count === 3 && random.float() < 0.3 ? 3 : 1;
    const kind = random.pick(KINDS) ?? 'bit';
    const isRunning = kind !== 'missing file' && random.float() < 0.5;
    const folder = join(this.#context.folder, id);
    mkdirSync(folder, { recursive: true });
    const directories = this.#template(count).map((_, n) => join(folder, String(n)));
    const scene = { count, struck, kind, isRunning, random, directories, id, ...tools } as const;
    const who = count === 1 ? 'alone' : struck === 1 ? 'one of three' : 'three of three';
    const group = `${kind}, ${who}, ${isRunning ? 'running' : 'at start'}`;
    try {
      return { id, group, ...(await this.#play(scene)) };
    } catch (error) {
      tools.pack.end();
      return { id, group, outcome: 'broken', problems: [{ kind: 'broken', text: String(error) }] };
    } finally {
      // The probe of a peer that has died may still be at it.
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
  }

  async #play(scene: Scene): Promise<{ outcome: string; problems: Problem[] }> {
    const { count, directories } = scene;
    for (const [n, template] of this.#template(count).entries())
      cpSync(template, directories[n] ?? '', { recursive: true });
    const course: Course = { deaths: [], what: [], opened: [], isSettled: false, shown: [] };
    await this.#renewNotes(scene);
    if (!scene.isRunning) await this.#spoil(scene, course);
    // One death for each damage is forgiven: what is mapped kills who reads it. The next start must know better.
    while (course.deaths.length <= scene.struck) {
      try {
        await this.#live(scene, course);
        break;
      } catch (error) {
        if (!(error instanceof Died)) throw error;
        course.deaths.push(error.how);
      }
    }
    const problems = await this.#judge(scene, course);
    const what = course.what.join('; ');
    return {
      outcome: this.#outcomeOf(scene, course),
      problems: problems.map(({ kind, text }) => ({ kind, text: `${what}: ${text}` })),
    };
  }

  async #renewNotes({ directories }: Scene): Promise<void> {
    for (const directory of directories)
      renewNote(directory, await presentFilesOf(this.#context.storage, directory));
  }

  async #spoil(scene: Scene, course: Course): Promise<void> {
    for (const directory of scene.directories.slice(0, scene.struck)) {
      const files = await presentFilesOf(this.#context.storage, directory);
      course.what.push(spoil(directory, files, scene.kind, scene.random));
    }
    // Half of the time nothing tells that the files have been touched.
    if (!scene.isRunning && scene.random.float() < 0.5) await this.#renewNotes(scene);
  }

  async #live(scene: Scene, course: Course): Promise<void> {
    const { pack, directories, id } = scene;
    const { storage } = this.#context;
    course.opened = await pack.ask<Opened>({ do: 'open', directories, cluster: `case${id}`, storage });
    if (course.what.length === 0) await this.#spoil(scene, course);
    course.isSettled = await pack.ask<boolean>({
      do: 'settle',
      ms: scene.count === 3 ? REPAIR_MS : AUDIT_MS,
      forMs: AUDIT_MS,
    });
    const { keys } = this.#expectedOf(scene);
    course.shown = await pack.ask<Shown[]>({ do: 'read', keys });
    await pack.ask({ do: 'close' });
  }

  #expectedOf({ count }: Scene): Expected {
    const expected = this.#expected.get(count);
    if (!expected) throw new Error('there is no template');
    return expected;
  }

  async #judge(scene: Scene, course: Course): Promise<Problem[]> {
    if (course.deaths.length > scene.struck) return [{ kind: 'crash-loop', text: course.deaths.join(', ') }];
    const problems: Problem[] = course.opened.flatMap((code, n) =>
      code === '' ? [] : [{ kind: 'not-started', text: `p${n}: ${code}` }],
    );
    const hasOthers = scene.count > 1;
    if (hasOthers && scene.directories.every(isSetAside))
      return [{ kind: 'all-set-aside', text: `${course.what.join('; ')}: nobody is left to fetch from` }];
    if (hasOthers && !course.isSettled)
      problems.push({ kind: 'not-settled', text: `not whole after ${REPAIR_MS} ms` });
    const { struck, count, kind, directories } = scene;
    const isEmptied =
      struck === count && (kind === 'missing file' || (count === 1 && directories.some(isSetAside)));
    for (const shown of course.shown)
      problems.push(
        ...judgeShown(this.#expectedOf(scene), shown, { hasOthers, isEmptied, log: scene.pack.log }),
      );
    if (problems.length > 0) return problems;
    for (const [n, directory] of scene.directories.entries())
      problems.push(...(await this.#remains(scene, directory, course.shown[n])));
    return problems;
  }

  /** What is still wrong in a store after its peer was closed, and that peer did not tell. */
  async #remains({ reader }: Scene, directory: string, shown: Shown | undefined): Promise<Problem[]> {
    if (shown?.isDamaged === true || shown?.isReadOnly === true) return [];
    const { storage } = this.#context;
    const { died, refused, problems = [] } = await reader.read({ storage, directory, isChecked: 'only' });
    if (died !== undefined) return [{ kind: 'unnoticed', text: `reading it ends with ${died}` }];
    if (refused) return [{ kind: 'unnoticed', text: `${refused.code} ${refused.message}` }];
    return problems.length === 0
      ? []
      : [{ kind: 'unnoticed', text: `${problems.length}: ${problems.slice(0, 3).join('; ')}` }];
  }

  #outcomeOf({ directories, struck }: Scene, { deaths, shown }: Course): string {
    if (deaths.length > struck) return 'never came back';
    const parts = [
      ...(deaths.length > 0 ? [`died (${deaths.join(', ')})`] : []),
      ...(directories.some(isSetAside) ? ['set aside'] : []),
      ...(shown.some(({ isDamaged, values }) => isDamaged || values.some((value) => 'code' in value))
        ? ['named']
        : []),
    ];
    return parts.length === 0 ? 'whole' : parts.join(', ');
  }

  close(): Promise<void> {
    for (const { pack, reader } of this.#idle) {
      pack.end();
      reader.end();
    }
    return Promise.resolve();
  }
}

const isSetAside = (directory: string): boolean =>
  existsSync(directory) && readdirSync(directory).some((name) => name.startsWith('aside'));
