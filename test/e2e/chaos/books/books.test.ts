import { beforeEach, describe, expect, test } from '@jest/globals';
import { Random } from '../../../../src/base/random.js';
import type { Ack } from '../../../tools/socket-client.js';
import type { Attempt, Caller } from '../clients.js';
import type { BucketName } from '../field.js';
import type { Row, Snapshot } from '../snapshot.js';
import type { Book } from './book.js';
import { CounterBook } from './counter.js';
import { FwwBook } from './fww.js';
import { LwwBook } from './lww.js';
import { SetsBook } from './sets.js';
import { SiblingsBook } from './siblings.js';

interface Options {
  readonly bucket?: BucketName;
  readonly siblings?: boolean;
}

const EMPTY = { default: new Map(), first: new Map(), carts: new Map(), sums: new Map(), tags: new Map() };

/** One peer that does at once what it is told: what stands in it is right. */
class Model implements Caller {
  readonly name = 'client';
  readonly place = { number: 0, life: 0, peer: { name: 'p0' } };
  readonly rows: Record<BucketName, Map<string, Row>> = structuredClone(EMPTY);
  #seq = 0;

  call(event: string, key: unknown, ...rest: unknown[]): Promise<Attempt> {
    const start = ++this.#seq;
    const { bucket = 'default', siblings } = (rest.at(-1) ?? {}) as Options;
    const row = this.rows[bucket].get(String(key));
    const ack = siblings
      ? { ok: true, value: row ? [row.value] : [], context: row?.dot ?? null }
      : this.#do(event, bucket, String(key), row, rest[0]);
    return Promise.resolve({ place: 0, life: 0, start, end: start, ack });
  }

  #do(event: string, bucket: BucketName, key: string, row: Row | undefined, arg: unknown): Ack {
    if (bucket === 'first' && row) return { ok: false, error: { code: 'EXISTS', message: '' } };
    const members = (row?.value ?? []) as string[];
    const values: Record<string, () => unknown> = {
      set: () => arg,
      delete: () => undefined,
      incr: () => Number(row?.value ?? 0) + Number(arg),
      decr: () => Number(row?.value ?? 0) - Number(arg),
      sadd: () => [...new Set([...members, String(arg)])],
      srem: () => members.filter((member) => member !== arg),
    };
    if (event === 'delete' && !row) return { ok: true, value: { found: false } };
    const written = { dot: `origin.${this.#seq}`, stamp: stampOf(this.#seq) };
    const value = values[event]?.();
    if (value === undefined) this.rows[bucket].delete(key);
    else this.rows[bucket].set(key, { key, value, ...written });
    return { ok: true, value: written };
  }

  get snapshot(): Snapshot {
    const rows = structuredClone(this.rows);
    return { rows, siblings: new Map([...rows.carts].map(([key, { value }]) => [key, [String(value)]])) };
  }
}

const stampOf = (seq: number): string => seq.toString(16).padStart(16, '0');

/** A book with a past of some thousand operations, all of them done. */
async function lived(book: Book): Promise<{ book: Book; snapshot: Snapshot; model: Model }> {
  const model = new Model();
  const random = Random.fromNumber(7);
  for (let i = 0; i < 4000; i++) await book.act(model, random);
  return { book, snapshot: model.snapshot, model };
}

function change(snapshot: Snapshot, bucket: BucketName, changed: (row: Row) => unknown): Snapshot {
  const [row] = [...snapshot.rows[bucket].values()].filter(
    ({ value }) => value !== 0 && String(value) !== '',
  );
  if (!row) throw new Error('nothing stands');
  const rows = structuredClone(snapshot.rows) as Record<BucketName, Map<string, Row>>;
  const value = changed(row);
  if (value === undefined) rows[bucket].delete(row.key);
  else rows[bucket].set(row.key, { ...row, value });
  return { rows, siblings: snapshot.siblings };
}

const BOOKS: readonly [string, BucketName, () => Book][] = [
  ['lww', 'default', () => new LwwBook()],
  ['fww', 'first', () => new FwwBook()],
  ['counter', 'sums', () => new CounterBook()],
  ['set', 'tags', () => new SetsBook()],
];

describe('the books of the chaos test', () => {
  test.each(BOOKS)(
    'of %s: find nothing wrong with what is right, and a key that is lost',
    async (_name, bucket, make) => {
      const { book, snapshot } = await lived(make());
      expect(snapshot.rows[bucket].size).toBeGreaterThan(3);
      expect(book.judge(snapshot)).toEqual([]);
      let lost = 1;
      const without = change(snapshot, bucket, ({ value }) => {
        if (Array.isArray(value)) lost = value.length;
        return undefined;
      });
      expect(book.judge(without)).toHaveLength(lost);
    },
  );

  test('notice another value, and one from nowhere', async () => {
    for (const [, bucket, make] of BOOKS.slice(0, 3)) {
      const { book, snapshot } = await lived(make());
      expect(book.judge(change(snapshot, bucket, () => 'forged'))).toHaveLength(1);
    }
  });

  test('of counters notice one increment too much or too little', async () => {
    const { book, snapshot } = await lived(new CounterBook());
    for (const by of [-1, 1])
      expect(book.judge(change(snapshot, 'sums', ({ value }) => Number(value) + by))).toHaveLength(1);
  });

  test('notice what is back', async () => {
    const lww = await lived(new LwwBook());
    const before = lww.snapshot.rows.default;
    for (let i = 0; i < 500; i++) await lww.book.act(lww.model, Random.fromNumber(i));
    const after = lww.model.snapshot;
    const gone = [...before].filter(([key]) => !after.rows.default.has(key));
    expect(gone.length).toBeGreaterThan(0);
    const rows = { ...after.rows, default: new Map([...after.rows.default, ...gone]) };
    expect(lww.book.judge({ ...after, rows })).toHaveLength(gone.length);

    const sets = await lived(new SetsBook());
    const back = change(sets.snapshot, 'tags', ({ value }) => [
      ...(value as string[]),
      ...goneFrom(value as string[]),
    ]);
    expect(sets.book.judge(back).join()).toMatch(/of p0 \d+ was removed and is back/);
  });

  describe('of siblings', () => {
    let siblings: Awaited<ReturnType<typeof lived>>;
    beforeEach(async () => {
      siblings = await lived(new SiblingsBook());
    });

    const withValues = (values: (old: readonly string[]) => string[]): Snapshot => {
      const [[key, old] = ['', []]] = siblings.snapshot.siblings;
      return { ...siblings.snapshot, siblings: new Map([...siblings.snapshot.siblings, [key, values(old)]]) };
    };

    test('find nothing wrong with what is right', () => {
      expect(siblings.book.judge(siblings.snapshot)).toEqual([]);
    });

    test('notice a value that is lost, one from nowhere, and one that had been replaced', () => {
      expect(siblings.book.judge(withValues(() => []))).toMatchObject([expect.stringContaining('lost')]);
      expect(siblings.book.judge(withValues((old) => [...old, 'forged']))).toMatchObject([
        expect.stringContaining('nowhere'),
      ]);
    });

    test('notice one that had been replaced', async () => {
      const [[key, [old = ''] = []] = ['']] = siblings.snapshot.siblings;
      const now = (): unknown => siblings.model.rows.carts.get(key)?.value;
      for (let i = 0; now() === old || now() === undefined; i++)
        await siblings.book.act(siblings.model, Random.fromNumber(i));
      const { rows, siblings: values } = siblings.model.snapshot;
      const back = new Map([...values, [key, [old, String(now())]]]);
      expect(siblings.book.judge({ rows, siblings: back })).toMatchObject([expect.stringContaining(old)]);
    });
  });
});

/** Members of the one peer that are not in the set. */
const goneFrom = (members: readonly string[]): string[] =>
  Array.from({ length: 12 }, (_, i) => `of p0 ${i}`).filter((member) => !members.includes(member));
