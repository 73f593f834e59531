import { afterEach, describe, expect, test } from '@jest/globals';
import { nanoid } from 'nanoid';
import { type ErrorCode, RumeurError } from '../../../src/base/errors.js';
import { DEFAULT_BUCKET, type OriginId, type PeerId } from '../../../src/base/ids.js';
import { parseConfig } from '../../../src/config/config.js';
import type { Note } from '../../../src/replica/step.js';
import { openFirst } from '../../../src/runtime/first-store.js';
import { Keeper } from '../../../src/runtime/keeper.js';
import type { StoreOpener } from '../../../src/runtime/open-store.js';
import { MemoryStorage } from '../../../src/storage/memory.js';
import type { ReadableStore } from '../../../src/storage/storage.js';
import { GuardedHttpServer } from '../../../src/transport/http-server.js';
import { eventually } from '../../tools/eventually.js';

/** A store on a disk that can be told to fail; what was not flushed before is lost by that, as in a crash. */
class FailingStorage extends MemoryStorage {
  #failure: RumeurError | undefined;
  #listener: (error: RumeurError) => void = () => undefined;
  isClosed = false;

  override onFailure(listener?: (error: RumeurError) => void): void {
    if (listener) this.#listener = listener;
  }

  override flushed(): Promise<void> {
    return this.#failure ? Promise.reject(this.#failure) : super.flushed();
  }

  override sizes(): undefined {
    expect(this.isClosed).toBe(false);
  }

  fail(error: RumeurError): void {
    this.#failure = error;
    this.#listener(error);
  }

  override async close(): Promise<void> {
    this.isClosed = true;
    await super.close();
    if (this.#failure) throw this.#failure;
  }
}

/** A disk with one store on it. */
class FakeDisk implements StoreOpener {
  readonly aside = undefined;
  readonly #peerId = nanoid<PeerId>();
  #durable: MemoryStorage | undefined;
  /** Every handle that was given out for writing. */
  readonly handles: FailingStorage[] = [];
  readonly deeds: string[] = [];
  refusesToBegin: RumeurError | undefined;
  refusesToOpen: RumeurError | undefined;

  /** What is on the disk from now on, whatever comes later. */
  flush(): void {
    const present = this.handles.at(-1);
    if (present) this.#durable = restored(present);
  }

  readonly open = async (): Promise<ReadableStore> => {
    this.deeds.push('open');
    await Promise.resolve();
    if (this.refusesToOpen) throw this.refusesToOpen;
    const durable = this.#durable;
    return {
      view: durable ?? new MemoryStorage({ peerId: this.#peerId, origin: nanoid<OriginId>() }),
      stored: durable?.initial,
      sizes: () => undefined,
      begin: () => this.#begin(durable),
      close: () => Promise.resolve(void this.deeds.push('close')),
    };
  };

  #begin(durable: MemoryStorage | undefined): Promise<FailingStorage> {
    this.deeds.push('begin');
    if (this.refusesToBegin) return Promise.reject(this.refusesToBegin);
    const ids = { peerId: this.#peerId, origin: nanoid<OriginId>() };
    const storage = new FailingStorage(
      ids,
      durable && { snapshot: durable.snapshot(), provenance: 'unclean' },
    );
    this.handles.push(storage);
    return Promise.resolve(storage);
  }
}

const restored = (storage: MemoryStorage): MemoryStorage =>
  new MemoryStorage(
    { peerId: storage.initial.peerId, origin: storage.initial.origin },
    { snapshot: storage.snapshot(), provenance: 'unclean' },
  );

const opened: Keeper[] = [];

async function start(disk: FakeDisk) {
  const notes: Note[] = [];
  const losses: RumeurError[] = [];
  const http = new GuardedHttpServer({ name: 'a', host: '127.0.0.1', allowedHosts: [], allowedOrigins: [] });
  const keeper = new Keeper(await openFirst(disk), {
    config: { ...parseConfig({ port: 0 }), dataDir: '/' },
    url: null,
    server: http,
    wallClock: Date.now,
    opener: disk,
    onChange: () => undefined,
    onNote: (note) => void notes.push(note),
    onLoss: (error) => void losses.push(error),
  });
  opened.push(keeper);
  return { keeper, notes, losses };
}

const error = (code: ErrorCode): RumeurError => new RumeurError(code, 'no');
const write = async ({ life }: Pick<Keeper, 'life'>, key: string): Promise<void> => {
  await life.loop?.write(DEFAULT_BUCKET, [{ key, value: new Uint8Array([0x31]) }]);
};
const keysIn = (keeper: Keeper): string[] =>
  [...keeper.life.view.cells(DEFAULT_BUCKET, {})].flatMap(([entry]) => entry?.key ?? []);

afterEach(async () => {
  for (const keeper of opened.splice(0)) {
    await keeper.leave();
    await keeper.stop();
    await keeper.close();
  }
});

describe('a peer whose disk fails', () => {
  test('goes on from what is on the disk, as the same peer under a new origin and session', async () => {
    const disk = new FakeDisk();
    const { keeper, notes, losses } = await start(disk);
    const former = keeper.life;
    await write(keeper, 'durable');
    disk.flush();
    await write(keeper, 'lost');
    const why = error('DISK_FAILED');
    disk.handles[0]?.fail(why);
    // In the same tick: nothing is read from the handle any more, and everybody has heard.
    expect([former.handle.over, keeper.life.failure, keeper.life.loop]).toEqual([why, why, undefined]);
    expect([losses, keeper.disk.error]).toEqual([[why], why]);
    await expect(write({ life: former }, 'late')).rejects.toBe(why);

    await eventually('it can be written again', () => keeper.life.loop !== undefined);
    expect(disk.handles[0]?.isClosed).toBe(true);
    expect(disk.deeds).toEqual(['open', 'begin', 'open', 'begin']);
    expect(keysIn(keeper)).toEqual(['durable']);
    expect(keeper.disk.error).toBeUndefined();
    const { self, origin } = keeper.life.replica.core;
    expect(self.peer).toBe(former.replica.peerId);
    expect(self.session).not.toBe(former.replica.core.self.session);
    expect(origin).not.toBe(former.replica.core.origin);
    await write(keeper, 'new');
    expect(notes.map(({ event }) => event)).toEqual(['disk-failed', 'disk-resumed']);
  });

  test('can be read again where the store had to begin anew', async () => {
    const disk = new FakeDisk();
    const { keeper } = await start(disk);
    await write(keeper, 'lost');
    disk.handles[0]?.fail(error('DISK_FAILED'));
    await eventually('it can be written again', () => keeper.life.loop !== undefined);
    expect(keeper.life.handle.over).toBeUndefined();
    await write(keeper, 'new');
    expect(keysIn(keeper)).toEqual(['new']);
  });

  test('can be read while it cannot be written', async () => {
    const disk = new FakeDisk();
    const { keeper } = await start(disk);
    await write(keeper, 'durable');
    disk.flush();
    disk.refusesToBegin = error('DISK_FAILED');
    disk.handles[0]?.fail(error('DISK_FAILED'));
    await eventually(
      'it is opened on a third handle',
      () => disk.deeds.join() === 'open,begin,open,begin,open',
    );
    await eventually('it can be read', () => !keeper.life.handle.over);
    expect(keysIn(keeper)).toEqual(['durable']);
    expect([keeper.life.loop, keeper.life.failure?.code]).toEqual([undefined, 'DISK_FAILED']);
    expect(keeper.life.replica.core.buckets.get(DEFAULT_BUCKET)?.keys).toBe(1);
    await keeper.leave();
    await keeper.close();
    expect(disk.deeds.at(-1)).toBe('close');
  });

  test('is closed at once while it waits for its disk', async () => {
    const disk = new FakeDisk();
    const { keeper } = await start(disk);
    disk.refusesToOpen = error('DISK_FAILED');
    disk.handles[0]?.fail(error('DISK_FAILED'));
    await eventually('it has been tried', () => disk.deeds.length === 3);
    const before = performance.now();
    await keeper.leave();
    await keeper.close();
    expect(performance.now() - before).toBeLessThan(900);
    expect(keeper.life.handle.over?.code).toBe('DISK_FAILED');
  });

  test('stays as it is after a mistake of ours: again would lead to the same', async () => {
    const disk = new FakeDisk();
    const { keeper, notes } = await start(disk);
    keeper.life.loop?.fail(error('INTERNAL'));
    expect(keeper.life.failure?.code).toBe('INTERNAL');
    expect(keeper.life.handle.over).toBeUndefined();
    expect(notes.map(({ event }) => event)).toEqual(['peer-broken']);
  });
});

describe('a peer that starts on a disk that cannot be written', () => {
  test('can be read where there is a store', async () => {
    const disk = new FakeDisk();
    const { keeper: former } = await start(disk);
    await write(former, 'durable');
    disk.flush();
    disk.refusesToBegin = error('DISK_FULL');
    const { keeper, notes } = await start(disk);
    expect(keysIn(keeper)).toEqual(['durable']);
    expect([keeper.life.failure?.code, notes.map(({ event }) => event)]).toEqual([
      'DISK_FULL',
      ['disk-full'],
    ]);
    disk.refusesToBegin = undefined;
    await eventually('it can be written', () => keeper.life.loop !== undefined);
  });

  test('does not start where there is none', async () => {
    const disk = new FakeDisk();
    disk.refusesToBegin = error('DISK_FULL');
    await expect(start(disk)).rejects.toMatchObject({ code: 'DISK_FULL' });
  });
});
