import { RumeurError, toRumeurError } from '../base/errors.js';
import { DEFAULT_BUCKET, type PeerId } from '../base/ids.js';
import type { ConfigInput } from '../config/config.js';
import { loadConfig } from '../runtime/load-config.js';
import { didYouMean, quote } from './events/arguments.js';
import { describe } from './json.js';
import { closedError, PeerNode } from './node.js';
import type { PeerInfo, RowChange, Status } from './service.js';
import { checkKey, checkKeyPart, checkString, decodeValue, encodeValue } from './values.js';
import { WatchStream } from './watch-stream.js';

/** JSON: what a value may be. */
export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };

/** What `Peer.open` takes beside the config. */
export interface OpenOptions {
  /** The wall clock, milliseconds since 1970. Default `Date.now`; tests put a wrong one here. */
  readonly clock?: () => number;
}

/** Which bucket a call works on. */
export interface BucketOption {
  /** Default `default`. */
  readonly bucket?: string;
}

/** Which keys of a bucket. */
export interface RangeOptions extends BucketOption {
  /** Only keys that start with this text. Default: all. */
  readonly prefix?: string;
  /** Only keys above this one. */
  readonly after?: string;
}

/** The identity of a write: `origin.seq`, and its stamp as 16 hex digits. */
export interface Written {
  readonly dot: string;
  readonly stamp: string;
}

/** What became of a `delete`; dot and stamp are there when something was deleted. */
export interface Deleted extends Partial<Written> {
  /** Whether there was something to delete. */
  readonly found: boolean;
}

/** A key with its value and the write that put it there. */
export interface KeyValue extends Written {
  readonly key: string;
  readonly value: Json;
}

/** A change of one key: its new value, or `deleted`. */
export type PeerChange = Written & { readonly bucket: string; readonly key: string } & (
    { readonly value: Json; readonly deleted?: never } | { readonly deleted: true; readonly value?: never }
  );

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
  readonly #streams = new Set<WatchStream<PeerChange>>();
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

  /** The value under a key, `undefined` when there is none; `T` is what the caller expects, nothing checks it. @throws `KEY_EMPTY`, `KEY_INVALID`, `KEY_TOO_LONG`, `BUCKET_UNKNOWN` */
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
   * @throws those of `get`, and `VALUE_INVALID`, `VALUE_TOO_LARGE`, `CLOCK_DRIFT`, `OVERLOADED`, `DISK_FULL`, `DISK_FAILED`
   */
  set(key: string, value: Json, options: BucketOption = {}): Promise<Written> {
    return this.#attempt(async () => {
      const { limits } = this.#node.config;
      checkKey(key, limits);
      const ops = [{ key, value: encodeValue(value, limits) }];
      const [written] = await this.#node.service.write(bucketOf(options), ops);
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

  /** Deletes a key; `found` says whether there was something to delete. Errors as `set`. */
  delete(key: string, options: BucketOption = {}): Promise<Deleted> {
    return this.#attempt(async () => {
      checkKey(key, this.#node.config.limits);
      const ops = [{ key, value: null }];
      const [result = { found: false }] = await this.#node.service.write(bucketOf(options), ops);
      return result;
    });
  }

  /** All keys in the order of their UTF-8 bytes, read page by page. */
  async *keys(range: RangeOptions = {}): AsyncIterableIterator<string> {
    for await (const { key } of this.entries(range)) yield key;
  }

  /** All keys with their values, in the order of the keys' UTF-8 bytes, read page by page. */
  async *entries(options: RangeOptions = {}): AsyncIterableIterator<KeyValue> {
    let last: string | undefined;
    for (;;) {
      const { rows, more } = await this.#attempt(() => {
        const { limits } = this.#node.config;
        const bucket = bucketOf(options, ['bucket', 'prefix', 'after']);
        const { prefix = '', after: start } = options;
        checkKeyPart(prefix, 'the prefix', limits);
        if (start !== undefined) checkKeyPart(start, 'the key after which to go on', limits);
        const after = last ?? start;
        const range = { prefix, limit: PAGE, maxBytes: PAGE_BYTES };
        return this.#node.service.scan(bucket, after === undefined ? range : { ...range, after });
      });
      for (const { key, value, dot, stamp } of rows)
        yield { key, value: decodeValue(value) as Json, dot, stamp };
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
  watch(options: Omit<RangeOptions, 'after'> = {}): AsyncIterableIterator<PeerChange> {
    if (!this.#open) throw closedError();
    try {
      const bucket = bucketOf(options, ['bucket', 'prefix']);
      const { prefix = '' } = options;
      checkKeyPart(prefix, 'the prefix', this.#node.config.limits);
      return this.#watch(bucket, prefix);
    } catch (thrown) {
      throw toRumeurError(thrown);
    }
  }

  #watch(bucket: string, prefix: string): WatchStream<PeerChange> {
    const stream = new WatchStream<PeerChange>((push) => {
      const stop = this.#node.service.watch(bucket, prefix, (change) => {
        // A faulty peer may send what is no JSON: that is this reader's to hear, not the loop's to stop for.
        try {
          push(toChange(change), change.key.length + (change.value?.length ?? 0));
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

  /** Forgets a peer, by url or id, and keeps it out until `addPeer`. @throws `NOT_FOUND`, `ARGUMENT_INVALID` */
  removePeer(urlOrId: string): Promise<void> {
    return this.#attempt(() => {
      checkString(urlOrId, 'the url or id of a peer');
      return this.#node.service.removePeer(urlOrId);
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

/** The bucket that the options name. @throws `ARGUMENT_INVALID` for options that do not exist: a typo must not write elsewhere */
function bucketOf(options: BucketOption, known: readonly string[] = ['bucket']): string {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    throw new RumeurError('ARGUMENT_INVALID', `the options are an object, not ${describe(given)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return options.bucket ?? DEFAULT_BUCKET;
  const hint = didYouMean(unknown, known, `the options are ${known.join(', ')}`);
  throw new RumeurError('ARGUMENT_INVALID', `there is no option ${quote(unknown)}`, { hint });
}

/** @throws `ARGUMENT_INVALID` for what is no list of pairs */
function pairsOf(rows: Iterable<readonly [string, Json]>): (readonly [string, Json])[] {
  const list: unknown = rows;
  if (typeof list !== 'object' || list === null || !(Symbol.iterator in list)) {
    throw new RumeurError('ARGUMENT_INVALID', `the rows are a list of [key, value], not ${describe(list)}`);
  }
  const pairs = Array.from(rows);
  const wrong = pairs.findIndex((pair: unknown) => !Array.isArray(pair) || pair.length !== 2);
  if (wrong < 0) return pairs;
  throw new RumeurError('ARGUMENT_INVALID', `row ${wrong} is not [key, value]`);
}

function toChange({ bucket, key, value, dot, stamp }: RowChange): PeerChange {
  const common = { bucket, key, dot, stamp };
  return value === null ? { ...common, deleted: true } : { ...common, value: decodeValue(value) as Json };
}
