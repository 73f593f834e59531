import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import type { RumeurError } from '../../../src/base/errors.js';
import { GuardedRows } from '../../../src/storage/disk/guarded-rows.js';
import type { RowStore, StoredRow } from '../../../src/storage/rows.js';

const KEY = Buffer.from('key');
const ALL = { start: Buffer.of(0), end: Buffer.of(255) };

/** An engine that does what a test says; a real one cannot be made to hang for as long as we like. */
class Engine implements RowStore {
  reading: () => Buffer = () => KEY;
  writing: () => Promise<void> = () => Promise.resolve();
  writes = 0;
  closed = 0;

  get(): Buffer {
    return this.reading();
  }

  *range(): Generator<StoredRow, undefined, undefined> {
    yield { key: KEY, value: KEY };
    yield { key: KEY, value: this.reading() };
    return undefined;
  }

  count(): number {
    return 1;
  }

  write(): Promise<void> {
    this.writes++;
    return this.writing();
  }

  sizes() {
    return { fileBytes: 1, liveBytes: 1, freeBytes: 0 };
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

const guarded = (engine: Engine, patience = { write: 5_000, close: 5_000 }) => {
  const rows = new GuardedRows(engine, '/there', patience);
  const failures: RumeurError[] = [];
  rows.onFailure((error) => failures.push(error));
  return { rows, failures };
};

describe('a handle at its first error', () => {
  test.each([
    ['get', (rows: GuardedRows) => rows.get('dots', KEY)],
    ['scan', (rows: GuardedRows) => [...rows.range('dots', ALL)]],
  ])('while reading (%s): DISK_FAILED, told once, and nothing is written any more', async (_, read) => {
    const engine = new Engine();
    const { rows, failures } = guarded(engine);
    engine.reading = () => {
      throw Object.assign(new Error('MDB_PANIC'), { code: -30795 });
    };
    expect(() => read(rows)).toThrow(expect.objectContaining({ code: 'DISK_FAILED' }));
    expect(() => read(rows)).toThrow('MDB_PANIC');
    expect(failures).toMatchObject([
      { code: 'DISK_FAILED', message: expect.stringContaining('/there') as unknown },
    ]);
    await expect(rows.write([])).rejects.toBe(failures[0]);
    expect(engine.writes).toBe(0);
  });

  test('while writing: the next write does not come to the engine', async () => {
    const engine = new Engine();
    const { rows, failures } = guarded(engine);
    engine.writing = () => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }));
    await expect(rows.write([])).rejects.toMatchObject({ code: 'DISK_FULL' });
    engine.writing = () => Promise.resolve();
    await expect(rows.write([])).rejects.toBe(failures[0]);
    expect(failures).toMatchObject([{ code: 'DISK_FULL' }]);
    expect(engine.writes).toBe(1);
    await rows.close();
    expect(engine.closed).toBe(1);
  });

  test('that never comes: the write is given up, and the engine is closed when it has come to an end', async () => {
    const engine = new Engine();
    const { rows, failures } = guarded(engine, { write: 20, close: 5_000 });
    let end: () => void = () => undefined;
    engine.writing = () => new Promise((resolve) => (end = resolve));
    await expect(rows.write([])).rejects.toMatchObject({
      code: 'DISK_FAILED',
      hint: expect.stringContaining('restart') as unknown,
    });
    expect(failures).toHaveLength(1);
    await expect(rows.close()).rejects.toMatchObject({ code: 'DISK_FAILED' });
    expect([rows.isUnended, engine.closed]).toEqual([true, 0]);
    end();
    await rows.released();
    expect([rows.isUnended, engine.closed]).toEqual([false, 1]);
  });
});
