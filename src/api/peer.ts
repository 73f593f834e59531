import type { PeerId } from '../base/ids.js';
import type { ConfigInput } from '../config/config.js';
import { loadConfig } from '../runtime/load-config.js';
import type { BucketComparison, VerifyOptions } from './comparison.js';
import { Gate } from './gate.js';
import { PeerNode } from './node.js';
import { PeerData } from './peer-data.js';
import { checkOptions } from './peer-input.js';
import type { OpenOptions } from './peer-types.js';
import { removeForGood } from './remove-peer.js';
import type { PeerInfo, Status, SyncCheck } from './service.js';
import { checkString } from './values.js';

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
export class Peer extends PeerData {
  readonly #node: PeerNode;
  readonly #gate: Gate;

  private constructor(node: PeerNode) {
    const gate = new Gate();
    super(node.service, node.config.limits, gate);
    this.#gate = gate;
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
    return this.#node.service.id;
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

  /** Links to a further peer, now and after a restart: a url, `host:port`. @throws `ARGUMENT_INVALID` */
  addPeer(url: string): Promise<void> {
    return this.#gate.attempt(() => {
      checkString(url, 'the url of a peer');
      return this.#node.service.addPeer(url);
    });
  }

  /**
   * Forgets a peer, by url or id, and keeps it out until `addPeer`. With `evict`, for one that will not come back, no
   * tombstone waits for it any more either. @throws `NOT_FOUND`, `ARGUMENT_INVALID`
   */
  removePeer(urlOrId: string, options: { readonly evict?: boolean } = {}): Promise<void> {
    return this.#gate.attempt(() => {
      checkString(urlOrId, 'the url or id of a peer');
      checkOptions(options, ['evict']);
      const { service } = this.#node;
      return options.evict === true ? removeForGood(service, urlOrId) : service.removePeer(urlOrId);
    });
  }

  /** Lets no tombstone wait for a peer any more, by url or id; its link and address stay. @throws `NOT_FOUND`, `ARGUMENT_INVALID` */
  evict(urlOrId: string): Promise<void> {
    return this.#gate.attempt(() => {
      checkString(urlOrId, 'the url or id of a peer');
      return this.#node.service.evict(urlOrId);
    });
  }

  /** Compares with every linked peer now, and tells whether all are in sync; `status` then says who is how far behind. */
  compare(): Promise<SyncCheck> {
    return this.#gate.attempt(() => this.#node.service.compare());
  }

  /**
   * Compares the data with linked peers, entry by entry, and says what differs; nothing is changed. Takes a few round
   * trips for each bucket, and more where much differs. Empty without a linked peer.
   * @throws `ARGUMENT_INVALID`, `BUCKET_UNKNOWN`, `NOT_FOUND` for a peer that is not known, `PEER_UNREACHABLE` for one without a link, `OVERLOADED`
   */
  verify(options: VerifyOptions = {}): Promise<BucketComparison[]> {
    return this.#gate.attempt(() => {
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
    this.#gate.shut();
    await this.#node.close();
  }
}
