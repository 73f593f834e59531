import { RumeurError } from '../base/errors.js';
import { type BucketName, isId } from '../base/ids.js';
import { parsePeerUrl } from '../base/url.js';
import type { Config } from '../config/config.js';
import { dotToText } from '../data/dot.js';
import type { Entry } from '../data/entry.js';
import { stampToText } from '../data/stamp.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from '../replica/bucket.js';
import { activeLinks } from '../replica/core.js';
import type { Replica } from '../replica/replica.js';
import type { Change } from '../replica/step.js';
import type { Loop } from '../runtime/loop.js';
import type { Storage } from '../storage/storage.js';
import type {
  PeerInfo,
  PeerService,
  Row,
  RowChange,
  ScanRange,
  Status,
  WriteOp,
  WriteResult,
} from './service.js';
import { bucketsOf, heldOf, peersOf, syncOf } from './status.js';

interface Watch {
  readonly prefix: string;
  readonly listener: (change: RowChange) => void;
}

/** The service of the peer in this process: reads go to the store, writes through the loop. */
export class LocalService implements PeerService {
  readonly #config: Config;
  readonly #url: string;
  readonly #version: string;
  readonly #replica: Replica;
  readonly #storage: Storage;
  readonly #loop: Loop;
  readonly #startedAt = performance.now();
  readonly #watches = new Map<string, Set<Watch>>();

  constructor(config: Config, url: string, version: string, replica: Replica, storage: Storage, loop: Loop) {
    this.#config = config;
    this.#url = url;
    this.#version = version;
    this.#replica = replica;
    this.#storage = storage;
    this.#loop = loop;
  }

  #bucket(name: string): Bucket {
    const bucket = this.#replica.core.buckets.get(name as BucketName);
    if (bucket) return bucket;
    const known = [...this.#replica.core.buckets.keys()].join(', ');
    throw new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${name}'`, {
      hint: `the config has: ${known}`,
    });
  }

  read(bucket: string, key: string): Uint8Array | undefined {
    return this.#storage.get(this.#bucket(bucket).name, key)?.value ?? undefined;
  }

  async write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]> {
    const results = await this.#loop.write(this.#bucket(bucket).name, ops);
    return results.map(({ found, entry }) => (entry ? { found, ...namesOf(entry) } : { found }));
  }

  scan(
    bucket: string,
    { prefix, after, limit, maxBytes = Infinity }: ScanRange,
  ): { rows: Row[]; more: boolean } {
    const range = { ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) };
    const rows: Row[] = [];
    let bytes = 0;
    for (const entry of this.#storage.entries(this.#bucket(bucket).name, range)) {
      if (entry.value === null) continue;
      bytes += entry.key.length + entry.value.length;
      if (rows.length >= limit || (rows.length > 0 && bytes > maxBytes)) return { rows, more: true };
      rows.push({ key: entry.key, value: entry.value, ...namesOf(entry) });
    }
    return { rows, more: false };
  }

  watch(bucket: string, prefix: string, listener: (change: RowChange) => void): () => void {
    const { name } = this.#bucket(bucket);
    const watch = { prefix, listener };
    let watches = this.#watches.get(name);
    if (!watches) this.#watches.set(name, (watches = new Set<Watch>()));
    watches.add(watch);
    return () => watches.delete(watch);
  }

  /** Called by the loop after each commit. */
  changed({ bucket, entry }: Change): void {
    const watches = this.#watches.get(bucket);
    if (!watches || watches.size === 0) return;
    const change: RowChange = { bucket, key: entry.key, value: entry.value, ...namesOf(entry) };
    for (const { prefix, listener } of watches) if (entry.key.startsWith(prefix)) listener(change);
  }

  async addPeer(url: string): Promise<void> {
    const canonical = parsePeerUrl(url);
    if (canonical === this.#url) {
      throw new RumeurError('ARGUMENT_INVALID', `${canonical} is this peer itself`, {
        hint: 'name another peer',
      });
    }
    await this.#loop.addPeer(canonical);
  }

  async removePeer(target: string): Promise<void> {
    await this.#loop.removePeer(isId(target) ? target : parsePeerUrl(target));
  }

  getPeers(): PeerInfo[] {
    return peersOf(this.#replica.core, this.#links());
  }

  /** None after a failure: the transport has closed them, but the replica hears of nothing any more. */
  #links(): readonly Link[] {
    return this.#loop.failure ? [] : activeLinks(this.#replica.core);
  }

  status(): Status {
    const { core } = this.#replica;
    const links = this.#links();
    const readOnly = this.#loop.failure !== undefined;
    const buckets = bucketsOf(core, links, readOnly);
    const held = heldOf(core);
    return {
      id: this.#replica.peerId,
      name: this.#config.name,
      url: this.#url,
      version: this.#version,
      cluster: this.#config.cluster,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      storage: this.#config.storage,
      durability: this.#config.durability,
      readOnly,
      buckets,
      peers: syncOf(core, links),
      inSync: Object.values(buckets).every((bucket) => bucket.inSync),
      ...(Object.keys(held).length > 0 ? { heldUntil: held } : {}),
      counters: { ...core.counters },
    };
  }
}

const namesOf = (entry: Entry): { dot: string; stamp: string } => ({
  dot: dotToText(entry),
  stamp: stampToText(entry.stamp),
});
