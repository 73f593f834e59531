import { cpSync, mkdirSync, rmSync } from 'node:fs';
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
import { compiled } from '../tools/places.js';
import { covers, StoreReader, type StoreReading } from '../tools/store-reader.js';
import { keyOf, numberInText } from '../victim/protocol.js';
import type { Disk } from './disk.js';
import { drawImage, type Image, writeImage } from './image.js';
import { record } from './record.js';

/** Images of one recording. */
const CHUNK = 500;
/**
 * Images of a disk that lies about syncs, and of an honest one under lmdb with its own settings, of which some must be
 * found bad: of the latter about one in forty.
 */
const CONTROLS = { lying: 20, unsafe: 400 };
type Control = keyof typeof CONTROLS;
/** Kept at most, for people to look at. */
const KEPT = 5;

/** Power losses, rebuilt from what a store has done to its disk. */
export const power: Part = {
  name: 'power',
  about:
    'The power fails at any moment: what was synced stands, of the rest any sectors of 512 bytes; every acknowledged write must be there',
  tools: ['strace'],
  count: 2000,
  workers: 2,
  open: (context, count) => Promise.resolve(new Power(context, count)),
};

export class Power implements OpenPart {
  readonly chunk: number;
  readonly cases: readonly string[];
  readonly #context: Context;
  readonly #folder: string;
  readonly #waves: readonly number[];
  #kept = 0;
  #recordings = 0;

  /** @param waves of writes in each life that is recorded */
  constructor(context: Context, count: number, waves: readonly number[] = [40, 15, 15]) {
    this.#context = context;
    this.#waves = waves;
    this.#folder = join(context.folder, 'power');
    const images = numbered(count);
    this.chunk = CHUNK + 1;
    // One beside the images of each recording; the other costs as much as those, and is done once.
    const unsafe = context.storage === 'lmdb' && count >= CHUNK ? ['unsafe'] : [];
    this.cases = [...unsafe, ...images.flatMap((id, i) => (i % CHUNK === 0 ? [`lying${id}`, id] : [id]))];
  }

  async *run(ids: readonly string[]): AsyncIterable<CaseResult> {
    const { seed, storage } = this.#context;
    const folder = join(this.#folder, `r${++this.#recordings}`);
    const reader = new StoreReader();
    try {
      const disk = await record({
        folder: join(folder, 'record'),
        storage,
        seed: seed * 1_000_003 + Number(ids.at(-1)),
        waves: this.#waves,
      });
      for (const id of ids) {
        if (id === 'unsafe') yield await this.#unsafe(folder);
        else if (id.startsWith('lying')) yield await this.#control('lying', id, disk, folder, reader);
        else yield await this.#judge(id, disk, folder, reader);
      }
    } finally {
      reader.end();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #judge(id: string, disk: Disk, folder: string, reader: StoreReader): Promise<CaseResult> {
    const image = drawImage(disk, Random.fromNumber(this.#context.seed * 1_000_003 + Number(id)));
    const { outcome, problems } = await this.#open(image, join(folder, id), reader);
    if (problems.length > 0 && this.#kept++ < KEPT) {
      const path = join(this.#context.keep, `power-${id}`);
      mkdirSync(path, { recursive: true });
      cpSync(join(folder, 'record'), path, { recursive: true });
      writeImage(image, join(path, 'image'));
    }
    rmSync(join(folder, id), { recursive: true, force: true });
    return { id, group: 'honest disk', outcome, problems };
  }

  /** The same peer with unsafe settings of its engine. */
  async #unsafe(folder: string): Promise<CaseResult> {
    const node = ['--import', compiled('power/unsafe.js')];
    const { storage, seed } = this.#context;
    const reader = new StoreReader(node);
    try {
      const disk = await record({ folder: join(folder, 'unsafe'), storage, seed, waves: this.#waves, node });
      return await this.#control('unsafe', 'unsafe', disk, folder, reader);
    } finally {
      reader.end();
    }
  }

  /** Shows that these images and this judgement can find what they look for. */
  async #control(
    control: Control,
    id: string,
    disk: Disk,
    folder: string,
    reader: StoreReader,
  ): Promise<CaseResult> {
    const random = Random.fromNumber(this.#context.seed);
    const count = CONTROLS[control];
    let caught = 0;
    for (let i = 0; i < count; i++) {
      const place = join(folder, `${id}-${i}`);
      const { problems } = await this.#open(drawImage(disk, random, control === 'unsafe'), place, reader);
      if (problems.length > 0) caught++;
      rmSync(place, { recursive: true, force: true });
    }
    const group = `control, ${control}: bad images of ${count}`;
    const blind = { kind: 'blind', text: `none of ${count} images was found bad` };
    return { id, group, outcome: `found ${caught}`, problems: caught > 0 ? [] : [blind] };
  }

  async #open(
    image: Image,
    folder: string,
    reader: StoreReader,
  ): Promise<{ outcome: string; problems: Problem[] }> {
    const directory = join(folder, 'd');
    mkdirSync(directory, { recursive: true });
    writeImage(image, folder);
    const reading = await reader.read({ storage: this.#context.storage, directory, isChecked: true });
    return {
      outcome: image.acked.size > 0 ? 'kept' : 'nothing was acknowledged',
      problems: faultsOf(image, reading),
    };
  }

  close(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}

function faultsOf({ acked }: Image, reading: StoreReading): Problem[] {
  const { died, refused } = reading;
  if (died !== undefined) return [{ kind: 'died', text: died }];
  if (refused) return [{ kind: 'unopenable', text: `${refused.code} ${refused.message}` }];
  const held = new Map((reading.rows ?? []).map(({ key, text }) => [key, text]));
  const lost = [...acked].filter(([n, dot]) => {
    return !(numberInText(held.get(keyOf(n))) >= n) || !covers(reading, 'default', dot);
  });
  const problems = (reading.problems ?? []).map((text) => ({ kind: 'corrupt', text }));
  if (lost.length === 0) return problems;
  return [...problems, { kind: 'lost', text: `acknowledged writes ${lost.map(([n]) => n).join(', ')}` }];
}
