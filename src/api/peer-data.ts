import { setImmediate as nextTurn } from 'node:timers/promises';
import { RumeurError, toRumeurError } from '../base/errors.js';
import { checkStep, contextIn, membersOf } from './arguments.js';
import type { Gate } from './gate.js';
import { bucketOf, pairsOf, toChange, WRITE_OPTIONS } from './peer-input.js';
import type {
  AsJson,
  BucketOption,
  Deleted,
  Json,
  KeyExplanation,
  KeyValue,
  PeerChange,
  RangeOptions,
  SiblingValues,
  WriteOptions,
  Written,
} from './peer-types.js';
import type { BucketInfo, Counted, Page, PeerService, Row, RowChange, Soon } from './service.js';
import { checkKey, checkKeyPart, decodeValue, encodeValue, type ValueLimits } from './values.js';
import { watchEnded } from './watch-ended.js';
import { WatchStream } from './watch-stream.js';

/** What is read at once for an iteration: rows, and bytes of their keys and values. */
const PAGE = 1000;
const PAGE_BYTES = 2 ** 20;

/** The calls of a `Peer` that read and write its data. */
export class PeerData {
  readonly #service: PeerService;
  readonly #limits: ValueLimits;
  readonly #gate: Gate;

  protected constructor(service: PeerService, limits: ValueLimits, gate: Gate) {
    this.#service = service;
    this.#limits = limits;
    this.#gate = gate;
  }

  /**
   * The value under a key, `undefined` when there is none; `T` is what the caller expects, nothing checks it. Of values
   * side by side the greatest, of a counter its sum, of a set the array of its members.
   * @throws `KEY_EMPTY`, `KEY_INVALID`, `KEY_TOO_LONG`, `BUCKET_UNKNOWN`, `DISK_FAILED` for a damaged row that is not yet repaired; of sets `VALUE_TOO_LARGE` (read it with `members`), `OVERLOADED`
   */
  get<T = Json>(key: string, options: BucketOption = {}): Promise<T | undefined> {
    return this.#gate.attempt(async () => {
      checkKey(key, this.#limits);
      const bytes = await this.#service.read(bucketOf(options), key);
      return bytes === undefined ? undefined : (decodeValue(bytes) as T);
    });
  }

  /**
   * Writes a value; resolves when the write is as durable as the config's `durability` says. An error from the disk does
   * not say that the write is undone: it may have gone to other peers before, and come back from them. Write it again.
   * @throws those of `get`, and `VALUE_INVALID`, `VALUE_TOO_LARGE`, `CLOCK_DRIFT`, `OVERLOADED`, `DISK_FULL`, `DISK_FAILED`; `EXISTS` where the first write stands, `POLICY` where keys hold counters or sets
   */
  set<T>(key: string, value: T & AsJson<T>, options: WriteOptions = {}): Promise<Written> {
    return this.#gate.attempt(async () => {
      checkKey(key, this.#limits);
      const bucket = bucketOf(options, WRITE_OPTIONS);
      const op = { key, value: encodeValue(value, this.#limits), ...contextIn(options) };
      const [written] = await this.#service.write(bucket, [op]);
      if (!written) throw new RumeurError('INTERNAL', 'a write without a result');
      const { dot = '', stamp = '' } = written;
      return { dot, stamp };
    });
  }

  /**
   * Writes several values in one commit: all of them or, with an error, none; after an error from the disk, as with
   * `set`, others may have them.
   */
  setMany(
    rows: Iterable<readonly [key: string, value: Json]>,
    options: BucketOption = {},
  ): Promise<Written[]> {
    return this.#gate.attempt(async () => {
      const ops = pairsOf(rows).map(([key, value]) => {
        checkKey(key, this.#limits);
        return { key, value: encodeValue(value, this.#limits) };
      });
      const results = await this.#service.write(bucketOf(options), ops);
      return results.map(({ dot = '', stamp = '' }) => ({ dot, stamp }));
    });
  }

  /**
   * Deletes a key; `found` says whether there was something to delete. Of a set it removes the members that this peer knows,
   * 1,000 in a commit: a larger one may be gone in part after an error or a crash.
   * @throws those of `set`, and `POLICY` where the first write stands
   */
  delete(key: string, options: WriteOptions = {}): Promise<Deleted> {
    return this.#gate.attempt(async () => {
      checkKey(key, this.#limits);
      const bucket = bucketOf(options, WRITE_OPTIONS);
      const op = { key, value: null, ...contextIn(options) };
      const [result = { found: false }] = await this.#service.write(bucket, [op]);
      return result;
    });
  }

  /**
   * All values that stand side by side under a key, in a bucket with the policy `siblings`, and the context with which a
   * `set` replaces exactly them. @throws those of `get`, and `POLICY`
   */
  siblings<T = Json>(key: string, options: BucketOption = {}): Promise<SiblingValues<T>> {
    return this.#gate.attempt(() => {
      checkKey(key, this.#limits);
      const { values, context } = this.#service.siblings(bucketOf(options), key);
      return { values: values.map((one) => ({ ...one, value: decodeValue(one.value) as T })), context };
    });
  }

  /**
   * Adds to a counter, in a bucket with the policy `counter`, and resolves with its sum as this peer knows it.
   * @param by a whole number, default 1; negative to count down
   * @throws those of `set`, and `VALUE_INVALID` when the sum would not be a safe integer
   */
  increment(key: string, by = 1, options: BucketOption = {}): Promise<Counted> {
    return this.#gate.attempt(() => {
      checkKey(key, this.#limits);
      return this.#service.increment(bucketOf(options), key, checkStep(by));
    });
  }

  /** Adds members, strings, to a set in a bucket with the policy `set`; resolves with how many of them were new. Errors as `set`. */
  add(key: string, members: string | Iterable<string>, options: BucketOption = {}): Promise<number> {
    return this.#gate.attempt(() => {
      checkKey(key, this.#limits);
      return this.#service.addMembers(bucketOf(options), key, membersOf(members, this.#limits));
    });
  }

  /** Removes members from a set; resolves with how many of them it had. Errors as `set`. */
  remove(key: string, members: string | Iterable<string>, options: BucketOption = {}): Promise<number> {
    return this.#gate.attempt(() => {
      checkKey(key, this.#limits);
      return this.#service.removeMembers(bucketOf(options), key, membersOf(members, this.#limits));
    });
  }

  /** The members of a set in the order of their UTF-8 bytes, read page by page. Errors as `get`. */
  members(key: string, options: BucketOption = {}): AsyncIterableIterator<string> {
    return this.#pages(undefined, (after) => {
      checkKey(key, this.#limits);
      return this.#service.members(bucketOf(options), key, { limit: PAGE, ...above(after) });
    });
  }

  /** Where what stands under a key came from: which peer wrote it, when and how it came here, what it replaced. Errors as `get`. */
  explain<T = Json>(key: string, options: BucketOption = {}): Promise<KeyExplanation<T>> {
    return this.#gate.attempt(() => {
      checkKey(key, this.#limits);
      const { writes, ...about } = this.#service.explain(bucketOf(options), key);
      const shown = writes.map(({ value, ...write }) =>
        value === null
          ? ({ ...write, deleted: true } as const)
          : { ...write, value: decodeValue(value) as T },
      );
      return { ...about, writes: shown };
    });
  }

  /** The buckets by name: their policies, and how many keys they hold (of sets: members). */
  buckets(): Record<string, BucketInfo> {
    return this.#service.buckets();
  }

  /** All keys in the order of their UTF-8 bytes, read page by page. */
  async *keys(range: RangeOptions = {}): AsyncIterableIterator<string> {
    for await (const { key } of this.#rows(range, true)) yield key;
  }

  /** All keys with their values (see `get`), in the order of the keys' UTF-8 bytes, read page by page. */
  async *entries<T = Json>(options: RangeOptions = {}): AsyncIterableIterator<KeyValue<T>> {
    for await (const { key, value, dot, stamp } of this.#rows(options, false))
      yield { key, value: decodeValue(value) as T, dot, stamp };
  }

  #rows(options: RangeOptions, keysOnly: boolean): AsyncGenerator<Row> {
    return this.#pages((options as RangeOptions | null)?.after, (after) => {
      const bucket = bucketOf(options, ['bucket', 'prefix', 'after']);
      const { prefix = '' } = options;
      checkKeyPart(prefix, 'the prefix', this.#limits);
      if (after !== undefined) checkKeyPart(after, 'the key after which to go on', this.#limits);
      return this.#service.scan(bucket, {
        prefix,
        limit: PAGE,
        maxBytes: PAGE_BYTES,
        keysOnly,
        ...above(after),
      });
    });
  }

  async *#pages<T>(
    start: string | undefined,
    read: (after: string | undefined) => Soon<Page<T>>,
  ): AsyncGenerator<T> {
    let after = start;
    do {
      const page = await this.#gate.attempt(() => read(after));
      yield* page.rows;
      ({ after } = page);
      // A page may be work and yet have no rows: others get their turn in any case.
      if (after !== undefined) await nextTurn();
    } while (after !== undefined);
  }

  /**
   * The changes from now on, of keys that start with `prefix` (default: all), until the loop is left or the peer is closed.
   * A change made here comes as soon as it is applied, before it is durable: before its `set` resolves, and even when that
   * fails with an error from the disk.
   * @throws `DISK_FULL`, `DISK_FAILED` when the disk fails, as what was told may be undone: watch again, then read the present
   * values; `WATCH_OVERFLOW` when 10,000 changes, or 64 MiB of their keys and values, have not been read, `INTERNAL` for a value of a faulty peer that is no JSON
   */
  watch<T = Json>(options: Omit<RangeOptions, 'after'> = {}): AsyncIterableIterator<PeerChange<T>> {
    this.#gate.check();
    try {
      const bucket = bucketOf(options, ['bucket', 'prefix']);
      const { prefix = '' } = options;
      checkKeyPart(prefix, 'the prefix', this.#limits);
      return this.#watch<T>(bucket, prefix);
    } catch (thrown) {
      throw toRumeurError(thrown);
    }
  }

  #watch<T>(bucket: string, prefix: string): WatchStream<PeerChange<T>> {
    const stream = new WatchStream<PeerChange<T>>((push) => {
      const tell = (change: RowChange): void => {
        // A faulty peer may send what is no JSON: that is this reader's to hear, not the loop's to stop for.
        try {
          push(toChange<T>(change), change.key.length + (change.value?.length ?? 0));
        } catch (thrown) {
          stream.fail(toRumeurError(thrown));
        }
      };
      const stop = this.#service.watch(bucket, prefix, tell, (error) => stream.fail(watchEnded(error)));
      return () => {
        forget();
        stop();
      };
    });
    const forget = this.#gate.whenShut(() => stream.end());
    return stream;
  }
}

const above = (after: string | undefined): { after?: string } => (after === undefined ? {} : { after });
