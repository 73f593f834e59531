import { compareUtf8 } from '../../src/base/bytes.js';
import { RumeurError } from '../../src/base/errors.js';
import type { PutOp } from '../../src/data/op.js';
import type { BucketComparison, VerifyOptions } from '../../src/api/comparison.js';
import type { Explanation } from '../../src/api/explanation.js';
import type {
  BucketInfo,
  Page,
  PeerInfo,
  PeerService,
  Row,
  RowChange,
  ScanRange,
  Status,
  SyncCheck,
  WriteOp,
  WriteResult,
} from '../../src/api/service.js';

interface Watch {
  readonly bucket: string;
  readonly prefix: string;
  readonly listener: (change: RowChange) => void;
}

const ORIGIN = 'fake-origin-000000000';

/** A peer without disk, network and other peers: what the Socket.IO events stand on, for their own tests. */
export class FakeService implements PeerService {
  readonly watches = new Set<Watch>();
  readonly #buckets: Map<string, Map<string, Row>>;
  readonly #peers: PeerInfo[] = [];
  /** Commits wait for this: a disk that takes its time. */
  #disk: Promise<void> = Promise.resolve();
  #seq = 0;

  constructor(buckets: readonly string[] = ['default']) {
    this.#buckets = new Map(buckets.map((name) => [name, new Map<string, Row>()]));
  }

  /** Holds all later commits until the returned function is called. */
  holdDisk(): () => void {
    let release = (): void => undefined;
    this.#disk = new Promise((resolve) => (release = resolve));
    return release;
  }

  read(bucket: string, key: string): Uint8Array | undefined {
    return this.#rows(bucket).get(key)?.value;
  }

  async write(bucket: string, ops: readonly WriteOp[]): Promise<WriteResult[]> {
    const rows = this.#rows(bucket);
    await this.#disk;
    return ops.map((op) => {
      if ('increment' in op) throw this.#refused(bucket);
      return this.#apply(bucket, rows, op);
    });
  }

  /** The buckets of this peer have the policy lww, which knows nothing of all this. */
  siblings(bucket: string): never {
    throw this.#refused(bucket);
  }

  members(bucket: string): never {
    throw this.#refused(bucket);
  }

  increment(bucket: string): Promise<never> {
    return Promise.reject(this.#refused(bucket));
  }

  addMembers(bucket: string): Promise<never> {
    return Promise.reject(this.#refused(bucket));
  }

  removeMembers(bucket: string): Promise<never> {
    return Promise.reject(this.#refused(bucket));
  }

  #refused(bucket: string): RumeurError {
    this.#rows(bucket);
    return new RumeurError('POLICY', 'this bucket has the policy lww');
  }

  explain(bucket: string, key: string): Explanation {
    this.#rows(bucket);
    return { bucket, key, policy: 'lww', writes: [], replaced: [], more: false };
  }

  buckets(): Record<string, BucketInfo> {
    const rows = [...this.#buckets].map(([name, { size }]) => [name, { policy: 'lww' as const, keys: size }]);
    return Object.fromEntries(rows) as Record<string, BucketInfo>;
  }

  evict(target: string): Promise<void> {
    return Promise.reject(new RumeurError('NOT_FOUND', `no member ${target}`));
  }

  compare(): Promise<SyncCheck> {
    return Promise.resolve({ inSync: true });
  }

  verify({ peer, bucket }: VerifyOptions = {}): Promise<BucketComparison[]> {
    if (bucket !== undefined) this.#rows(bucket);
    if (peer === undefined) return Promise.resolve([]);
    return Promise.reject(new RumeurError('NOT_FOUND', `no peer ${peer}`));
  }

  scan(bucket: string, { prefix = '', after, limit, maxBytes = Infinity }: ScanRange): Page<Row> {
    const wanted = [...this.#rows(bucket).values()]
      .filter(({ key }) => key.startsWith(prefix) && (after === undefined || compareUtf8(key, after) > 0))
      .sort((a, b) => compareUtf8(a.key, b.key));
    let bytes = 0;
    const fits = (row: Row, index: number): boolean =>
      (bytes += row.key.length + row.value.length) <= maxBytes || index === 0;
    const end = wanted.slice(0, limit).findIndex((row, index) => !fits(row, index));
    const rows = wanted.slice(0, end < 0 ? limit : end);
    const last = rows.at(-1);
    return wanted.length > rows.length && last ? { rows, after: last.key } : { rows };
  }

  watch(bucket: string, prefix: string, listener: (change: RowChange) => void): () => void {
    this.#rows(bucket);
    const watch = { bucket, prefix, listener };
    this.watches.add(watch);
    return () => this.watches.delete(watch);
  }

  addPeer(url: string): Promise<void> {
    if (url === 'not a url')
      return Promise.reject(new RumeurError('ARGUMENT_INVALID', 'no address of a peer'));
    const row: PeerInfo = {
      url,
      id: null,
      name: null,
      state: 'connecting',
      rttMs: null,
      direction: null,
      known: 'added',
    };
    this.#peers.push(row);
    return Promise.resolve();
  }

  removePeer(urlOrId: string): Promise<void> {
    const at = this.#peers.findIndex(({ url }) => url === urlOrId);
    if (at < 0) return Promise.reject(new RumeurError('NOT_FOUND', `no peer ${urlOrId}`));
    this.#peers.splice(at, 1);
    return Promise.resolve();
  }

  getPeers(): PeerInfo[] {
    return this.#peers;
  }

  status(): Status {
    const keys = this.#rows('default').size;
    return {
      id: 'fake-peer-00000000000' as Status['id'],
      name: 'fake',
      url: 'http://127.0.0.1:1',
      version: '0.0.0',
      cluster: 'rumeur',
      uptimeMs: 1,
      storage: 'memory',
      durability: 'memory',
      readOnly: false,
      buckets: {
        default: {
          policy: 'lww',
          keys,
          tombstones: 0,
          hash: '0'.repeat(32),
          vector: {},
          heldBy: [],
          inSync: true,
        },
      },
      peers: [],
      inSync: true,
      counters: {},
    };
  }

  /** Puts bytes there as a faulty peer might send them. */
  plant(key: string, value: Uint8Array): void {
    this.#apply('default', this.#rows('default'), { key, value });
  }

  #rows(bucket: string): Map<string, Row> {
    const rows = this.#buckets.get(bucket);
    if (rows === undefined)
      throw new RumeurError('BUCKET_UNKNOWN', `there is no bucket ${JSON.stringify(bucket)}`);
    return rows;
  }

  #apply(bucket: string, rows: Map<string, Row>, { key, value }: PutOp): WriteResult {
    const found = rows.has(key);
    if (value === null && !found) return { found };
    const seq = ++this.#seq;
    const written = { dot: `${ORIGIN}.${seq}`, stamp: seq.toString(16).padStart(16, '0') };
    if (value === null) rows.delete(key);
    else rows.set(key, { key, value, ...written });
    for (const watch of [...this.watches]) {
      if (watch.bucket === bucket && key.startsWith(watch.prefix))
        watch.listener({ bucket, key, value, ...written });
    }
    return { found, ...written };
  }
}
