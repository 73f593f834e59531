import { pc } from '../colors.js';
import { BatchSender, type Sink } from '../transfer/sender.js';
import type { Entry } from '../transfer/record.js';
import type { DataSet } from './cities.js';
import type { Observer } from './observer.js';
import type { PeerProcess } from './peer-process.js';
import { reportOf, type Outcome } from './report.js';
import { count, type Screen } from './screen.js';
import type { Role, Stage } from './stage.js';

/** Nobody's config names peer4. */
export const ROLES: readonly Role[] = [
  { name: 'peer1', knows: ['peer2', 'peer3'] },
  { name: 'peer2', knows: ['peer1', 'peer3'] },
  { name: 'peer3', knows: ['peer1', 'peer2'] },
  { name: 'peer4', knows: ['peer2'] },
];

/** Parts of the import after which things happen. */
const CRASH_AT = 0.4;
const NEWCOMER_AT = 0.6;
/** One key in so many is deleted again. */
const DELETED = 1000;
const PATIENCE_MS = 20_000;

export interface StoryOptions {
  /** How long the peers may take to agree after the last write. */
  readonly agreeWithinMs: number;
}

/** The acts in order. What is under way when one fails is ended by clearing the stage. */
export class Story {
  readonly #stage: Stage;
  readonly #screen: Screen;
  readonly #observer: Observer;
  readonly #data: DataSet;
  readonly #options: StoryOptions;

  constructor(stage: Stage, screen: Screen, observer: Observer, data: DataSet, options: StoryOptions) {
    this.#stage = stage;
    this.#screen = screen;
    this.#observer = observer;
    this.#data = data;
    this.#options = options;
  }

  /** @throws Error when something does not come out as it must */
  async play(): Promise<void> {
    const { entries } = this.#data;
    const [first, second, third] = await this.#threePeers();
    const crash = this.#at(CRASH_AT, (written) => this.#crash(third, written));
    const newcomer = this.#at(NEWCOMER_AT, () => this.#newcomer());
    this.#screen.say(`writing ${count(entries.length)} cities through ${first.name}`);
    await this.#import(first, (written) => {
      crash.reached(written);
      newcomer.reached(written);
    });
    await crash.done;
    const fourth = await newcomer.done;
    const deleted = await this.#delete(second);
    const lastWrite = performance.now();
    const back = await this.#comeBack();
    const backSince = performance.now();
    await this.#observer.agreement(entries.length - deleted.length, this.#options.agreeWithinMs);
    this.#screen.say(pc.green('all four hold the same'));
    await this.#proof(back, deleted);
    this.#report([
      { peer: first, countedFrom: lastWrite, role: 'took the writes' },
      { peer: second, countedFrom: lastWrite, role: 'followed, deleted' },
      { peer: back, countedFrom: backSince, role: 'killed, came back' },
      { peer: fourth, countedFrom: lastWrite, role: 'joined, named by nobody' },
    ]);
  }

  async #threePeers(): Promise<[PeerProcess, PeerProcess, PeerProcess]> {
    const start = async (name: string): Promise<PeerProcess> => {
      const peer = await this.#stage.start(name);
      this.#screen.say(`${name} runs at ${peer.url}, process ${peer.pid}`);
      return peer;
    };
    return [await start('peer1'), await start('peer2'), await start('peer3')];
  }

  /** An act that happens once, when this part of the records is written. */
  #at<T>(
    part: number,
    act: (written: number) => Promise<T>,
  ): { reached(written: number): void; done: Promise<T> } {
    const due = Math.floor(part * this.#data.entries.length);
    let begin: (done: Promise<T>) => void = () => undefined;
    const done = new Promise<T>((resolve) => (begin = resolve));
    // It is awaited only after the import; a failure is told then.
    done.catch(() => undefined);
    let begun = false;
    const reached = (written: number): void => {
      if (begun || written < due) return;
      begun = true;
      begin(act(written));
    };
    return { reached, done };
  }

  async #import(peer: PeerProcess, written: (count: number) => void): Promise<void> {
    const sink: Sink = {
      async setMany(entries) {
        await peer.client.call(
          'setMany',
          entries.map(({ key, value }) => [key, value]),
          { raw: true },
        );
      },
      async set({ key, value }) {
        await peer.client.call('set', key, value, { raw: true });
      },
    };
    const onBad = ({ key }: Entry, error: Error): void => {
      throw new Error(`${peer.name} refused ${key}`, { cause: error });
    };
    const sender = new BatchSender(sink, { onBad, patienceMs: PATIENCE_MS });
    for (const entry of this.#data.entries) {
      await sender.add(entry);
      written(sender.written);
    }
    await sender.finish();
    written(sender.written);
    this.#screen.say(`all cities are written and on ${peer.name}'s disk`);
  }

  async #crash(peer: PeerProcess, written: number): Promise<void> {
    await peer.crash();
    const text = `kill -9 ${peer.name} after ${count(written)} cities; the others go on`;
    this.#screen.say(pc.red(text));
  }

  async #newcomer(): Promise<PeerProcess> {
    const peer = await this.#stage.start('peer4');
    this.#screen.say(`peer4 joins at ${peer.url}: it names peer2, and no config names it`);
    return peer;
  }

  /** @returns the keys */
  async #delete(peer: PeerProcess): Promise<string[]> {
    const keys = this.#data.entries.filter((_, index) => index % DELETED === 0).map(({ key }) => key);
    await this.#observer.holds(peer, this.#data.entries.length, this.#options.agreeWithinMs);
    await Promise.all(keys.map((key) => peer.client.call('delete', key)));
    this.#screen.say(`${peer.name} deletes ${count(keys.length)} of them, while peer3 is dead`);
    return keys;
  }

  async #comeBack(): Promise<PeerProcess> {
    const peer = await this.#stage.start('peer3');
    const { buckets } = await peer.status();
    this.#screen.say(
      `peer3 is back on the disk it died with: ${count(buckets['default']?.keys ?? 0)} keys at first sight`,
    );
    return peer;
  }

  /** Reads at the peer that was dead what happened meanwhile. */
  async #proof(peer: PeerProcess, deleted: readonly string[]): Promise<void> {
    const last = this.#data.entries.findLast(({ key }) => !deleted.includes(key));
    if (last !== undefined) {
      const { value } = await peer.client.call('get', last.key, { raw: true });
      if (value !== last.value) throw new Error(`${peer.name} holds ${String(value)} under ${last.key}`);
      this.#screen.say(`written while ${peer.name} was dead, read there: ${last.key}`);
    }
    for (const key of deleted) {
      const { found } = await peer.client.call('get', key);
      if (found !== false) throw new Error(`${peer.name} still holds ${key}, which was deleted`);
    }
  }

  #report(outcomes: readonly Outcome[]): void {
    this.#observer.stop();
    this.#screen.end();
    this.#screen.print(`\n${reportOf(outcomes, this.#observer)}\nData: ${this.#data.credit}.`);
  }
}
