import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Peer,
  RumeurError,
  type ConfigInput,
  type Json,
  type OpenOptions,
  type PeerChange,
} from '../../src/index.js';
import { LocalService } from '../../src/api/local-service.js';
import { eventually } from '../tools/eventually.js';

/** The library as an embedding program uses it. */
describe('Peer', () => {
  let folder: string;
  const open: Peer[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rumeur-library-'));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((peer) => peer.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(
    name: string,
    config: Partial<ConfigInput> = {},
    options: OpenOptions = {},
  ): Promise<Peer> {
    const own = { port: 0, name, dataDir: join(folder, name), log: { level: 'fatal' } } as const;
    const peer = await Peer.open({ ...own, ...config }, options);
    open.push(peer);
    return peer;
  }

  test('sets, gets, deletes and survives its end', async () => {
    const peer = await start('one');
    const value: Json = { list: [1, 'two', null, { deep: true }], __proto__: 3 };
    const { dot, stamp } = await peer.set('Ville', value);
    expect(dot).toMatch(/^[\w-]{21}\.1$/);
    expect(stamp).toMatch(/^[0-9a-f]{16}$/);
    expect(await peer.get('Ville')).toEqual(value);
    expect(await peer.get('nothing')).toBeUndefined();
    expect(await peer.delete('nothing')).toEqual({ found: false });
    await peer.set('gone', 1);
    expect(await peer.delete('gone')).toMatchObject({ found: true });
    await peer.close();

    const again = await start('one');
    expect(again.id).toBe(peer.id);
    expect(await again.get('Ville')).toEqual(value);
    expect(await again.get('gone')).toBeUndefined();
    expect((await again.set('next', 1)).dot).toMatch(new RegExp(`^${dot.slice(0, 21)}\\.4$`));
  });

  test('reads keys and entries of any number in the order of their bytes', async () => {
    const peer = await start('one', { storage: 'memory' });
    const keys = Array.from({ length: 2500 }, (_, i) => `k${String(i).padStart(4, '0')}`);
    await peer.setMany([...keys].reverse().map((key, i) => [key, i]));
    await peer.setMany([
      ['\u{1f600}', 'astral'],
      ['\uffee', 'below it in bytes, above it in UTF-16'],
    ]);
    const seen: string[] = [];
    for await (const key of peer.keys()) seen.push(key);
    expect(seen).toEqual([...keys, '\uffee', '\u{1f600}']);
    const some: Json[] = [];
    for await (const { value } of peer.entries({ prefix: 'k000', after: 'k0007' })) some.push(value);
    expect(some).toEqual([2491, 2490]);
  });

  test('a page of large values ends long before its thousand rows', async () => {
    const peer = await start('one', { storage: 'memory' });
    const value = 'x'.repeat(2 ** 18);
    for (let i = 0; i < 20; i++) await peer.set(`k${i}`, value);
    await peer.set('l', 'y'.repeat(2 ** 20 - 2));
    const scan = jest.spyOn(LocalService.prototype, 'scan');
    const seen: string[] = [];
    for await (const key of peer.keys()) seen.push(key);
    const pages = await Promise.all(
      scan.mock.results.map(
        async ({ value }) => (await (value as ReturnType<LocalService['scan']>)).rows.length,
      ),
    );
    scan.mockRestore();
    expect(seen).toHaveLength(21);
    expect(pages).toEqual([3, 3, 3, 3, 3, 3, 2, 1]);
  });

  test('setMany is one commit: all of it or nothing', async () => {
    const peer = await start('one');
    const rows: [string, Json][] = [
      ['a', 1],
      ['a', 2],
      ['', 3],
    ];
    await expect(peer.setMany(rows)).rejects.toMatchObject({ code: 'KEY_EMPTY' });
    expect(await peer.get('a')).toBeUndefined();
    const written = await peer.setMany(rows.slice(0, 2));
    expect(written.map(({ dot }) => dot.split('.')[1])).toEqual(['1', '2']);
    expect(await peer.get('a')).toBe(2);
  });

  test('watches its own changes and those of others, until the loop is left', async () => {
    const one = await start('one');
    const two = await start('two', { peers: [one.url] });
    const changes: PeerChange[] = [];
    const watching = (async () => {
      for await (const change of two.watch({ prefix: 'V' })) {
        changes.push(change);
        if (change.deleted) break;
      }
    })();
    await one.set('Ville', 'Lyon');
    await one.set('other', 1);
    await eventually('it has arrived', async () => (await two.get('other')) === 1);
    await two.set('Vue', null);
    await two.delete('Ville');
    await watching;
    expect(changes.map(({ key, value, deleted }) => [key, value, deleted])).toEqual([
      ['Ville', 'Lyon', undefined],
      ['Vue', null, undefined],
      ['Ville', undefined, true],
    ]);
  });

  test('a watch that is not read ends with WATCH_OVERFLOW instead of eating the memory', async () => {
    const peer = await start('one', { storage: 'memory' });
    const changes = peer.watch();
    for (let i = 0; i < 11; i++) await peer.setMany(Array.from({ length: 1000 }, (_, j) => [`k${j}`, i]));
    const read = async (): Promise<void> => {
      while (!(await changes.next()).done);
    };
    await expect(read()).rejects.toMatchObject({ code: 'WATCH_OVERFLOW' });
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  test('refuses what is wrong with an error that has a code, as a rejection', async () => {
    const peer = await start('one');
    await expect(peer.set('k', undefined as unknown as Json)).rejects.toMatchObject({
      code: 'VALUE_INVALID',
    });
    await expect(peer.set('k', Number.NaN)).rejects.toMatchObject({ code: 'VALUE_INVALID' });
    await expect(peer.set(7 as unknown as string, 1)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(peer.get('k', { bucket: 'no such' })).rejects.toMatchObject({ code: 'BUCKET_UNKNOWN' });
    for (const wrong of [{ buckt: 'x' }, 'x', { bucket: 'default', prefix: '' }]) {
      await expect(peer.set('k', 1, wrong as object)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
      await expect(peer.get('k', wrong as object)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    }
    expect(() => peer.watch('zz' as unknown as object)).toThrow(/options are an object/);
    await expect(peer.keys({ prefx: 'a' } as object).next()).rejects.toThrow(/no option "prefx"/);
    await expect(peer.setMany({ m: 1 } as never)).rejects.toThrow(/list of \[key, value\]/);
    await expect(peer.setMany([['a']] as never)).rejects.toThrow(/row 0/);
    await expect(peer.addPeer('ftp://x')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(peer.addPeer(peer.url)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(peer.removePeer('localhost:9')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(Peer.open({ port: -1 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(Peer.open(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test.each<[what: string, act: (peer: Peer) => unknown, code: string]>([
    ['after, too long', (peer) => all(peer.entries({ after: 'x'.repeat(5000) })), 'KEY_TOO_LONG'],
    ['after, a number', (peer) => all(peer.keys({ after: 5 as never })), 'ARGUMENT_INVALID'],
    ['prefix, a number', (peer) => all(peer.keys({ prefix: 5 as never })), 'ARGUMENT_INVALID'],
    ['prefix of a watch, a number', (peer) => peer.watch({ prefix: 5 as never }), 'ARGUMENT_INVALID'],
    ['addPeer, null', (peer) => peer.addPeer(null as never), 'ARGUMENT_INVALID'],
    ['removePeer, a number', (peer) => peer.removePeer(3001 as never), 'ARGUMENT_INVALID'],
    ['setMany, null', (peer) => peer.setMany(null as never), 'ARGUMENT_INVALID'],
    ['options of get, null', (peer) => peer.get('k', null as never), 'ARGUMENT_INVALID'],
    ['options of set, null', (peer) => peer.set('k', 1, null as never), 'ARGUMENT_INVALID'],
    ['options of delete, null', (peer) => peer.delete('k', null as never), 'ARGUMENT_INVALID'],
    ['options of setMany, null', (peer) => peer.setMany([['k', 1]], null as never), 'ARGUMENT_INVALID'],
    ['options of entries, null', (peer) => all(peer.entries(null as never)), 'ARGUMENT_INVALID'],
    ['options of watch, null', (peer) => peer.watch(null as never), 'ARGUMENT_INVALID'],
  ])('a wrong %s is a RumeurError too', async (_what, act, code) => {
    const peer = await start('one', { storage: 'memory' });
    const thrown = await Promise.resolve()
      .then(() => act(peer))
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(RumeurError);
    expect(thrown).toMatchObject({ code });
  });

  test('a taken port or data directory is IN_USE, and nothing of the attempt stays behind', async () => {
    const peer = await start('one');
    await expect(start('two', { port: peer.port })).rejects.toMatchObject({ code: 'IN_USE' });
    await expect(start('three', { dataDir: join(folder, 'one') })).rejects.toMatchObject({ code: 'IN_USE' });
    await start('two');
  });

  test('close ends watches, answers what was acknowledged, and may be called twice', async () => {
    const peer = await start('one');
    const changes = peer.watch();
    const writes = Array.from({ length: 500 }, (_, i) => peer.set(`k${i}`, i).then(() => i));
    const [outcomes] = await Promise.all([Promise.allSettled(writes), peer.close(), peer.close()]);
    let more = true;
    while (more) more = !(await changes.next()).done;
    await expect(peer.get('k')).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    expect(() => peer.watch()).toThrow(/closed/);
    const again = await start('one');
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(await again.get(`k${outcome.value}`)).toBe(outcome.value);
    }
  });

  test('who knows others and is linked to none is not in sync', async () => {
    const one = await start('one');
    expect(one.status().inSync).toBe(true);
    const two = await start('two', { peers: [one.url] });
    await eventually('they are in sync', () => one.status().inSync && two.status().inSync);
    await one.close();
    await eventually('it is cut off', () => !two.status().inSync);
  });

  test('after a failure it claims neither links nor to be in sync, and goes on reading', async () => {
    // What the loop cannot survive, be it the disk or a clock, stops it in the same way.
    let isBroken = false;
    const clock = (): number => (isBroken ? fail() : Date.now());
    const one = await start('one');
    const two = await start('two', { peers: [one.url], log: { level: 'silent' } }, { clock });
    await start('three', { peers: [two.url] });
    await two.set('k', 1);
    const states = (): string[] => two.getPeers().map(({ state }) => state);
    await eventually('all are in sync', () => two.status().inSync && states().length === 2);
    await eventually('both are linked', () => states().every((state) => state === 'connected'));
    isBroken = true;
    await expect(two.set('k', 2)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(two.status()).toMatchObject({
      readOnly: true,
      inSync: false,
      buckets: { default: { inSync: false } },
    });
    expect(states()).toEqual(['suspect', 'suspect']);
    expect(two.status().peers).toMatchObject([{ state: 'suspect' }, { state: 'suspect' }]);
    expect(two.status().peers.filter(({ traffic }) => traffic !== undefined)).toEqual([]);
    expect(await two.get('k')).toBe(1);
  });

  test('nor does one that knows nobody', async () => {
    let isBroken = false;
    const clock = (): number => (isBroken ? fail() : Date.now());
    const peer = await start('one', { storage: 'memory', log: { level: 'silent' } }, { clock });
    isBroken = true;
    await expect(peer.set('k', 1)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(peer.status()).toMatchObject({ readOnly: true, inSync: false, peers: [] });
  });

  test('buckets keep their keys apart, also on the way to others', async () => {
    const buckets = { notes: { policy: 'lww' as const } };
    const one = await start('one', { buckets });
    const two = await start('two', { buckets, peers: [one.url] });
    await one.set('k', 'in default');
    await one.set('k', 'in notes', { bucket: 'notes' });
    await eventually('both have arrived', async () => {
      return (
        (await two.get('k')) === 'in default' && (await two.get('k', { bucket: 'notes' })) === 'in notes'
      );
    });
  });
});

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const item of items) read.push(item);
  return read;
}

function fail(): never {
  throw new Error('broken');
}
