import { RumeurError } from '../base/errors.js';
import type { BucketName, PeerId } from '../base/ids.js';
import { parsePeerUrl } from '../base/url.js';
import type { Config } from '../config/config.js';
import { counterValue } from '../data/policies/counter.js';
import { memberKey } from '../data/policies/set.js';
import type { PolicyName } from '../data/policy.js';
import type { Link } from '../protocol/link.js';
import type { Bucket } from '../replica/bucket.js';
import { activeLinks } from '../replica/core.js';
import type { Replica } from '../replica/replica.js';
import type { Change, OpResult } from '../replica/step.js';
import type { Life } from '../runtime/life.js';
import type { Loop } from '../runtime/loop.js';
import type { DiskState } from '../runtime/keeper.js';
import { VERSION } from '../runtime/version.js';
import type { BucketComparison, VerifyOptions } from './comparison.js';
import { closedError } from './closed.js';
import { deleteSet } from './delete-set.js';
import type { Explanation } from './explanation.js';
import { History } from './history.js';
import { isSamePlace, targetOf } from './peer-target.js';
import { namesOf } from './rows.js';
import type {
  BucketInfo,
  Counted,
  MemberRange,
  Page,
  PeerInfo,
  PeerService,
  Row,
  RowChange,
  ScanRange,
  Siblings,
  Soon,
  Status,
  SyncCheck,
  WriteOp,
  WriteResult,
} from './service.js';
import { SiblingBound } from './sibling-bound.js';
import type { Reader } from './reader.js';
import { quote } from './suggest.js';
import { diskOf } from './disk-status.js';
import { syncOf } from './peer-sync.js';
import { bucketsOf, heldOf, peersOf, surroundingsOf } from './status.js';
import { Surface } from './surface.js';
import { checkKeyPart } from './values.js';
import { comparisonOf } from './verify.js';
import { Watchers } from './watchers.js';

/** Where the service finds the present life of the peer. */
export interface Lives {
  readonly life: Life;
  readonly disk: DiskState;
}

/** The service of the peer in this process: reads go to the store, writes through the loop of its present life. */
export class LocalService implements PeerService {
  readonly #config: Config;
  readonly #url: string;
  readonly #lives: Lives;
  readonly #wallClock: () => number;
  readonly #startedAt = performance.now();
  readonly #watchers = new Watchers();
  readonly #history = new History();
  readonly #bound: SiblingBound;
  #present: Surface | undefined;
  #closed: RumeurError | undefined;

  constructor(config: Config, url: string, lives: Lives, wallClock: () => number) {
    this.#config = config;
    this.#url = url;
    this.#lives = lives;
    this.#wallClock = wallClock;
    this.#bound = new SiblingBound(config.limits.siblings, (bucket, key) => this.#reader.cell(bucket, key));
  }

  get #surface(): Surface {
    const { life } = this.#lives;
    if (this.#present?.life !== life)
      this.#present = new Surface(life, this.#config, this.#history, () => this.#closed);
    return this.#present;
  }

  get #reader(): Reader {
    return this.#surface.reader;
  }

  get #replica(): Replica {
    return this.#lives.life.replica;
  }

  /** @throws why nothing can be written */
  get #loop(): Loop {
    const { loop, failure } = this.#lives.life;
    if (loop && !failure) return loop;
    throw failure ?? closedError();
  }

  get id(): PeerId {
    return this.#replica.peerId;
  }

  #bucket(name: string): Bucket {
    const bucket = this.#replica.core.buckets.get(name as BucketName);
    if (bucket) return bucket;
    const known = [...this.#replica.core.buckets.keys()].join(', ');
    throw new RumeurError('BUCKET_UNKNOWN', `there is no bucket '${name}'`, {
      hint: `the config has: ${known}`,
    });
  }

  /** @throws `POLICY` with the buckets that will do, and what else can be done */
  #bucketWith(policy: PolicyName, name: string, otherwise: string): Bucket {
    const bucket = this.#bucket(name);
    if (bucket.policy.name === policy) return bucket;
    const fit = [...this.#replica.core.buckets.values()].filter((other) => other.policy.name === policy);
    const names = fit.length === 0 ? 'the config has none' : fit.map((other) => other.name).join(', ');
    throw new RumeurError('POLICY', `the bucket '${name}' has the policy "${bucket.policy.name}"`, {
      hint: `name a bucket with the policy "${policy}": ${names}; ${otherwise}`,
    });
  }

  read(bucket: string, key: string): Soon<Uint8Array | undefined> {
    return this.#reader.read(this.#bucket(bucket), key);
  }

  siblings(bucket: string, key: string): Siblings {
    return this.#reader.siblings(this.#bucketWith('siblings', bucket, PLAIN_GET), key);
  }

  members(bucket: string, key: string, range: MemberRange): Page<string> {
    return this.#reader.members(this.#bucketWith('set', bucket, PLAIN_GET), key, range);
  }

  scan(bucket: string, range: ScanRange): Soon<Page<Row>> {
    return this.#reader.scan(this.#bucket(bucket), range);
  }

  explain(bucket: string, key: string): Explanation {
    return this.#surface.explainer.explain(this.#bucket(bucket), key);
  }

  async write(name: string, ops: readonly WriteOp[]): Promise<WriteResult[]> {
    const bucket = this.#bucket(name);
    if (bucket.policy.name === 'set') return this.#deleteSets(bucket, ops);
    const results = await (bucket.policy.name === 'siblings'
      ? this.#writeBounded(bucket, ops)
      : this.#loop.write(bucket.name, ops));
    return results.map(resultOf);
  }

  /** Where values may gather under a key. */
  async #writeBounded(bucket: Bucket, ops: readonly WriteOp[]): Promise<readonly OpResult[]> {
    const leave = this.#bound.enter(bucket, ops);
    try {
      return await this.#loop.write(bucket.name, ops);
    } finally {
      leave();
    }
  }

  async increment(name: string, key: string, by: number): Promise<Counted> {
    const bucket = this.#bucketWith('counter', name, 'or set a value that is a number');
    const [result] = await this.#loop.write(bucket.name, [{ key, increment: by }]);
    if (!result?.entry) throw new RumeurError('INTERNAL', 'an increment without a result');
    return { value: counterValue(result.cell), ...namesOf(result.entry) };
  }

  async addMembers(name: string, key: string, members: readonly string[]): Promise<number> {
    const results = await this.#writeMembers(name, key, members, TRUE);
    return results.filter(({ found }) => !found).length;
  }

  async removeMembers(name: string, key: string, members: readonly string[]): Promise<number> {
    const results = await this.#writeMembers(name, key, members, null);
    return results.filter(({ found }) => found).length;
  }

  async #writeMembers(
    name: string,
    key: string,
    members: readonly string[],
    value: Uint8Array | null,
  ): Promise<readonly OpResult[]> {
    const bucket = this.#bucketWith('set', name, 'or set a value that is an array');
    const ops = members.map((member) => {
      const stored = memberKey(key, member);
      checkKeyPart(stored, 'the key together with the member', this.#config.limits);
      return { key: stored, value };
    });
    return ops.length === 0 ? [] : this.#loop.write(bucket.name, ops);
  }

  /** A set is deleted by removing the members that it has here. */
  async #deleteSets(bucket: Bucket, ops: readonly WriteOp[]): Promise<WriteResult[]> {
    if (ops.some((op) => !('value' in op) || op.value !== null || op.context !== undefined)) {
      const message = `the bucket '${bucket.name}' has the policy "set": its keys hold members, not values`;
      throw new RumeurError('POLICY', message, { hint: 'use sadd and srem' });
    }
    const results: WriteResult[] = [];
    for (const { key } of ops) {
      const remove = (members: readonly string[]): Promise<readonly OpResult[]> =>
        this.#loop.write(
          bucket.name,
          members.map((member) => ({ key: memberKey(key, member), value: null })),
        );
      results.push(await deleteSet((range) => this.#reader.members(bucket, key, range), remove));
    }
    return results;
  }

  watch(
    bucket: string,
    prefix: string,
    listener: (change: RowChange) => void,
    ended: (error: RumeurError) => void,
  ): () => void {
    return this.#watchers.add(this.#bucket(bucket).name, { prefix, listener, ended });
  }

  /** Called by the loop after each commit. */
  changed(change: Change): void {
    this.#history.add(change, this.#wallClock());
    this.#watchers.tell(this.#bucket(change.bucket).policy.name, change);
  }

  buckets(): Record<string, BucketInfo> {
    const rows = [...this.#replica.core.buckets.values()].map(({ name, policy, keys }) => [
      name,
      { policy: policy.name, keys },
    ]);
    return Object.fromEntries(rows) as Record<string, BucketInfo>;
  }

  async addPeer(url: string): Promise<void> {
    const canonical = parsePeerUrl(url);
    if (isSamePlace(canonical, this.#url)) throw itself(url);
    await this.#loop.addPeer(canonical);
  }

  async removePeer(urlOrId: string): Promise<void> {
    await this.#loop.removePeer(this.#other(urlOrId));
  }

  async evict(urlOrId: string): Promise<void> {
    await this.#loop.evict(this.#other(urlOrId));
  }

  /** @throws `ARGUMENT_INVALID` for this peer itself, and for what is neither a url nor an id */
  #other(urlOrId: string): string {
    const self = { id: this.#replica.peerId, url: this.#url };
    const known = this.getPeers().flatMap(({ url }) => url ?? []);
    const target = targetOf(urlOrId, self, known);
    if (target === self.id) throw itself(urlOrId);
    return target;
  }

  async compare(): Promise<SyncCheck> {
    const silent = await this.#loop.compare();
    // What was sent to a peer that does not answer counts as received in the status.
    return silent > 0 ? { inSync: false, silent } : { inSync: this.status().inSync };
  }

  async verify({ peer, bucket: name }: VerifyOptions = {}): Promise<BucketComparison[]> {
    const bucket = name === undefined ? undefined : this.#bucket(name).name;
    const target = peer === undefined ? undefined : this.#other(peer);
    const comparisons = await this.#loop.verify(target, bucket);
    const peers = this.getPeers();
    return comparisons.map((one) => {
      const { policy } = this.#bucket(one.bucket);
      return comparisonOf(one, policy.name, this.#surface.names.ofPeer(one.peer), peers);
    });
  }

  /** The store is about to be closed: reads that are still under way fail. */
  close(): void {
    this.#closed = closedError();
  }

  /** What watchers have heard of may be undone. */
  lost(error: RumeurError): void {
    this.#watchers.end(error);
  }

  getPeers(): PeerInfo[] {
    return peersOf(this.#replica.core, this.#links(), this.#replica);
  }

  /** None after a failure: the transport has closed them, but the replica hears of nothing any more. */
  #links(): readonly Link[] {
    return this.#lives.life.failure ? [] : activeLinks(this.#replica.core);
  }

  status(): Status {
    const { replica, failure, handle } = this.#lives.life;
    const { core, members } = replica;
    const links = this.#links();
    const buckets = bucketsOf(
      core,
      links,
      failure !== undefined,
      members,
      handle.over ? undefined : core.view,
    );
    const held = heldOf(core);
    return {
      id: replica.peerId,
      name: this.#config.name,
      url: this.#url,
      version: VERSION,
      cluster: this.#config.cluster,
      uptimeMs: Math.round(performance.now() - this.#startedAt),
      storage: this.#config.storage,
      durability: this.#config.durability,
      readOnly: failure !== undefined,
      ...diskOf(this.#lives.disk, replica),
      buckets,
      peers: syncOf(core, links, replica),
      inSync: Object.values(buckets).every((bucket) => bucket.inSync),
      ...surroundingsOf(core, links, replica),
      ...(Object.keys(held).length > 0 ? { heldUntil: held } : {}),
      counters: { ...core.counters },
    };
  }
}

const PLAIN_GET = 'a plain get reads this one';

/** What stands under a member's key while it belongs to the set. */
const TRUE = new TextEncoder().encode('true');

const itself = (urlOrId: string): RumeurError =>
  new RumeurError('ARGUMENT_INVALID', `${quote(urlOrId)} is this peer itself`, { hint: 'name another peer' });

const resultOf = ({ found, entry }: OpResult): WriteResult =>
  entry ? { found, ...namesOf(entry) } : { found };
