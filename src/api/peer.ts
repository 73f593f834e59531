import { RumeurError, toRumeurError } from '../base/errors.js';
import type { PeerId } from '../base/ids.js';
import type { ConfigInput } from '../config/config.js';
import { loadConfig } from '../runtime/load-config.js';
import { closedError, PeerNode } from './node.js';
import { checkStep } from './arguments.js';
import type { BucketComparison, VerifyOptions } from './comparison.js';
import {
  bucketOf,
  checkOptions,
  contextOf,
  membersOf,
  pairsOf,
  toChange,
  WRITE_OPTIONS,
} from './peer-input.js';
import type {
  AsJson,
  BucketOption,
  Deleted,
  Json,
  KeyExplanation,
  KeyValue,
  OpenOptions,
  PeerChange,
  RangeOptions,
  SiblingValues,
  WriteOptions,
  Written,
} from './peer-types.js';
import { removeForGood } from './remove-peer.js';
import type { BucketInfo, Counted, PeerInfo, Row, Status } from './service.js';
import { checkKey, checkKeyPart, checkString, decodeValue, encodeValue } from './values.js';
import { WatchStream } from './watch-stream.js';

/** What is read at once for an iteration: rows, and bytes of their keys and values. */
const PAGE = 1000;
const PAGE_BYTES = 2 ** 20;

/**
 * A peer in this process: it serves its port, gossips with the peers of its config and keeps its copy of the data.
 *
 * ```ts
 * const peer = await Peer.open({ port: 3001, peers: ['localhost:3002'] });
 * await peer.set('Ville', 'Lyon');
 * await peer.close();
 * ```
 *
 * Every method fails with a `RumeurError`, whose `code` is stable.
 */
export class Peer {
  readonly #node: PeerNode;
  readonly #streams = new Set<{ end(): void }>();
  #open = true;

  private constructor(node: PeerNode) {
    this.#node = node;
  }

  /**
   * Opens the store, listens on the port and begins to dial the peers of the config.
   * @param config the path of a config file, or its content (then paths are relative to the working directory)
   * @throws RumeurError `CONFIG_INVALID`, `IN_USE` (port or data directory), `DISK_FAILED`
   */
  static async open(config: string | ConfigInput, options: OpenOptions = {}): Promise<Peer> {
    return new Peer(await PeerNode.open(await loadConfig(config), options.clock ?? Date.now));
  }

  /** Names this peer across restarts: 21 characters. */
  get id(): PeerId {
    return this.#node.replica.peerId;
  }

  /** What people call this peer. */
  get name(): string {
    return this.#node.config.name;
  }

  /** The port listened on, also where the config says 0. */
  get port(): number {
    return this.#node.port;
  }

  /** Where this peer is reached. */
  get url(): string {
    return this.#node.url;
  }

  /**
   * The value under a key, `undefined` when there is none; `T` is what the caller expects, nothing checks it. Of values
   * side by side the greatest, of a counter its sum, of a set the array of its members.
   * @throws `KEY_EMPTY`, `KEY_INVALID`, `KEY_TOO_LONG`, `BUCKET_UNKNOWN`, `DISK_FAILED` for a damaged row that is not yet repaired
   */
  get<T = Json>(key: string, options: BucketOption = {}): Promise<T | undefined> {
    return this.#attempt(() => {
      checkKey(key, this.#node.config.limits);
      const bytes = this.#node.service.read(bucketOf(options), key);
      return bytes === undefined ? undefined : (decodeValue(bytes) as T);
    });
  }

  /**
   * Writes a value; resolves when the write is as durable as the config's `durability` says. An error from the disk does
   * not say that the write is undone: it may have gone to other peers before, and come back from them. Write it again.
   * @throws those of `get`, and `VALUE_INVALID`, `VALUE_TOO_LARGE`, `CLOCK_DRIFT`, `OVERLOADED`, `DISK_FULL`, `DISK_FAILED`; `EXISTS` where the first write stands, `POLICY` where keys hold counters or sets
   */
  set<T>(key: string, value: T & AsJson<T>, options: WriteOptions = {}): Promise<Written> {
    return this.#attempt(async () => {
      const { limits } = this.#node.config;
      checkKey(key, limits);
      const ops = [{ key, value: encodeValue(value, limits), ...contextOf(options) }];
      const [written] = await this.#node.service.write(bucketOf(options, WRITE_OPTIONS), ops);
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
    return this.#attempt(async () => {
      const { limits } = this.#node.config;
      const ops = pairsOf(rows).map(([key, value]) => {
        checkKey(key, limits);
        return { key, value: encodeValue(value, limits) };
      });
      const results = await this.#node.service.write(bucketOf(options), ops);
      return results.map(({ dot = '', stamp = '' }) => ({ dot, stamp }));
    });
  }

  /** Deletes a key; `found` says whether there was something to delete. Errors as `set`, and `POLICY` where the first write stands. */
  delete(key: string, options: WriteOptions = {}): Promise<Deleted> {
    return this.#attempt(async () => {
      checkKey(key, this.#node.config.limits);
      const ops = [{ key, value: null, ...contextOf(options) }];
      const bucket = bucketOf(options, WRITE_OPTIONS);
      const [result = { found: false }] = await this.#node.service.write(bucket, ops);
      return result;
    });
  }

  /**
   * All values that stand side by side under a key, in a bucket with the policy `siblings`, and the context with which a
   * `set` replaces exactly them. @throws those of `get`, and `POLICY`
   */
  siblings<T = Json>(key: string, options: BucketOption = {}): Promise<SiblingValues<T>> {
    return this.#attempt(() => {
      checkKey(key, this.#node.config.limits);
      const { values, context } = this.#node.service.siblings(bucketOf(options), key);
      return { values: values.map((one) => ({ ...one, value: decodeValue(one.value) as T })), context };
    });
  }

  /**
   * Adds to a counter, in a bucket with the policy `counter`, and resolves with its sum as this peer knows it.
   * @param by a whole number, default 1; negative to count down
   * @throws those of `set`, and `VALUE_INVALID` when the sum would not be a safe integer
   */
  increment(key: string, by = 1, options: BucketOption = {}): Promise<Counted> {
    return this.#attempt(() => {
      checkKey(key, this.#node.config.limits);
      return this.#node.service.increment(bucketOf(options), key, checkStep(by));
    });
  }

  /** Adds members, strings, to a set in a bucket with the policy `set`; resolves with how many of them were new. Errors as `set`. */
  add(key: string, members: string | Iterable<string>, options: BucketOption = {}): Promise<number> {
    return this.#attempt(() => {
      const { limits } = this.#node.config;
      checkKey(key, limits);
      return this.#node.service.addMembers(bucketOf(options), key, membersOf(members, limits));
    });
  }

  /** Removes members from a set; resolves with how many of them it had. Errors as `set`. */
  remove(key: string, members: string | Iterable<string>, options: BucketOption = {}): Promise<number> {
    return this.#attempt(() => {
      const { limits } = this.#node.config;
      checkKey(key, limits);
      return this.#node.service.removeMembers(bucketOf(options), key, membersOf(members, limits));
    });
  }

  /** The members of a set in the order of their UTF-8 bytes, read page by page. */
  async *members(key: string, options: BucketOption = {}): AsyncIterableIterator<string> {
    let last: string | undefined;
    for (;;) {
      const page = await this.#attempt(() => {
        checkKey(key, this.#node.config.limits);
        const range = last === undefined ? { limit: PAGE } : { limit: PAGE, after: last };
        return this.#node.service.members(bucketOf(options), key, range);
      });
      yield* page.members;
      last = page.members.at(-1);
      if (!page.more) return;
    }
  }

  /** Where what stands under a key came from: which peer wrote it, when and how it came here, what it replaced. Errors as `get`. */
  explain<T = Json>(key: string, options: BucketOption = {}): Promise<KeyExplanation<T>> {
    return this.#attempt(() => {
      checkKey(key, this.#node.config.limits);
      const { writes, ...about } = this.#node.service.explain(bucketOf(options), key);
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
    return this.#node.service.buckets();
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

  async *#rows(options: RangeOptions, keysOnly: boolean): AsyncGenerator<Row> {
    let last: string | undefined;
    for (;;) {
      const { rows, more } = await this.#attempt(() => {
        const { limits } = this.#node.config;
        const bucket = bucketOf(options, ['bucket', 'prefix', 'after']);
        const { prefix = '', after: start } = options;
        checkKeyPart(prefix, 'the prefix', limits);
        if (start !== undefined) checkKeyPart(start, 'the key after which to go on', limits);
        const after = last ?? start;
        const range = { prefix, limit: PAGE, maxBytes: PAGE_BYTES, keysOnly };
        return this.#node.service.scan(bucket, after === undefined ? range : { ...range, after });
      });
      yield* rows;
      last = rows[rows.length - 1]?.key;
      if (!more) return;
    }
  }

  /**
   * The changes from now on, of keys that start with `prefix` (default: all), until the loop is left or the peer is closed.
   * A change made here comes as soon as it is applied, before it is durable: before its `set` resolves, and even when that
   * fails with an error from the disk.
   * @throws `WATCH_OVERFLOW` when 10,000 changes, or 64 MiB of their keys and values, have not been read, `INTERNAL` for a value of a faulty peer that is no JSON
   */
  watch<T = Json>(options: Omit<RangeOptions, 'after'> = {}): AsyncIterableIterator<PeerChange<T>> {
    if (!this.#open) throw closedError();
    try {
      const bucket = bucketOf(options, ['bucket', 'prefix']);
      const { prefix = '' } = options;
      checkKeyPart(prefix, 'the prefix', this.#node.config.limits);
      return this.#watch<T>(bucket, prefix);
    } catch (thrown) {
      throw toRumeurError(thrown);
    }
  }

  #watch<T>(bucket: string, prefix: string): WatchStream<PeerChange<T>> {
    const stream = new WatchStream<PeerChange<T>>((push) => {
      const stop = this.#node.service.watch(bucket, prefix, (change) => {
        // A faulty peer may send what is no JSON: that is this reader's to hear, not the loop's to stop for.
        try {
          push(toChange<T>(change), change.key.length + (change.value?.length ?? 0));
        } catch (thrown) {
          stream.fail(toRumeurError(thrown));
        }
      });
      return () => {
        this.#streams.delete(stream);
        stop();
      };
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Links to a further peer, now and after a restart: a url, `host:port`. @throws `ARGUMENT_INVALID` */
  addPeer(url: string): Promise<void> {
    return this.#attempt(() => {
      checkString(url, 'the url of a peer');
      return this.#node.service.addPeer(url);
    });
  }

  /**
   * Forgets a peer, by url or id, and keeps it out until `addPeer`. With `evict`, for one that will not come back, no
   * tombstone waits for it any more either. @throws `NOT_FOUND`, `ARGUMENT_INVALID`
   */
  removePeer(urlOrId: string, options: { readonly evict?: boolean } = {}): Promise<void> {
    return this.#attempt(() => {
      checkString(urlOrId, 'the url or id of a peer');
      checkOptions(options, ['evict']);
      const { service } = this.#node;
      return options.evict === true ? removeForGood(service, urlOrId) : service.removePeer(urlOrId);
    });
  }

  /** Lets no tombstone wait for a peer any more, by url or id; its link and address stay. @throws `NOT_FOUND`, `ARGUMENT_INVALID` */
  evict(urlOrId: string): Promise<void> {
    return this.#attempt(() => {
      checkString(urlOrId, 'the url or id of a peer');
      return this.#node.service.evict(urlOrId);
    });
  }

  /** Compares with every linked peer now; when it resolves, `status` tells how things stand. */
  compare(): Promise<void> {
    return this.#attempt(() => this.#node.service.compare());
  }

  /**
   * Compares the data with linked peers, entry by entry, and says what differs; nothing is changed. Takes a few round
   * trips for each bucket, and more where much differs. Empty without a linked peer.
   * @throws `ARGUMENT_INVALID`, `BUCKET_UNKNOWN`, `NOT_FOUND` for a peer that is not known, `PEER_UNREACHABLE` for one without a link, `OVERLOADED`
   */
  verify(options: VerifyOptions = {}): Promise<BucketComparison[]> {
    return this.#attempt(() => {
      checkOptions(options, ['peer', 'bucket']);
      if (options.peer !== undefined) checkString(options.peer, 'the url or id of a peer');
      return this.#node.service.verify(options);
    });
  }

  /** The other peers, linked or remembered, in the order of their urls. */
  getPeers(): PeerInfo[] {
    return this.#node.service.getPeers();
  }

  /** This peer and how far it is in sync with those that it is linked to. */
  status(): Status {
    return this.#node.service.status();
  }

  /** Flushes, says goodbye to the others and releases port and store. May be called again. */
  async close(): Promise<void> {
    this.#open = false;
    for (const stream of this.#streams) stream.end();
    await this.#node.close();
  }

  /** Errors come as rejections and as RumeurErrors, also those found before anything was awaited. */
  async #attempt<T>(act: () => T | Promise<T>): Promise<T> {
    if (!this.#open) throw closedError();
    try {
      return await act();
    } catch (thrown) {
      throw toRumeurError(thrown);
    }
  }
}
