import type { RumeurError } from '../base/errors.js';
import { MAX_MESSAGE_BYTES } from '../protocol/limits.js';
import type { Replica } from '../replica/replica.js';
import type { Change, Note } from '../replica/step.js';
import type { View } from '../replica/view.js';
import type { Storage, StoreSizes } from '../storage/storage.js';
import { type LinkServer, SocketIoTransport } from '../transport/socket-io.js';
import { type Handle, type Life, type ReplicaOptions, replicaOf } from './life.js';
import { Loop } from './loop.js';

/** What all lives of a peer have in common. */
export interface SessionOptions extends ReplicaOptions {
  /** Where links of other peers come in. */
  readonly server: LinkServer;
  /** The wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly onChange: (change: Change) => void;
  readonly onNote: (note: Note) => void;
  /** The store or the replica failed: nothing more is handled. */
  readonly onFailure: (error: RumeurError) => void;
}

/** A life in which everything works: an open store, and the replica, loop and transport that go with it. */
export class Session implements Life {
  readonly replica: Replica;
  readonly loop: Loop;
  readonly handle: Handle;
  readonly #storage: Storage;
  readonly #transport: SocketIoTransport | undefined;

  /** Begins to dial and to take links. */
  constructor(storage: Storage, handle: Handle, options: SessionOptions) {
    const { config } = options;
    this.#storage = storage;
    this.handle = handle;
    this.replica = replicaOf(options, storage.initial, storage);
    this.loop = new Loop(this.replica, storage, {
      durability: config.durability,
      pendingWrites: config.limits.pendingWrites,
      wallClock: options.wallClock,
      onChange: options.onChange,
      onNote: options.onNote,
      onFailure: (error) => {
        void this.stop();
        options.onFailure(error);
      },
    });
    this.#transport = openTransport(this.loop, options);
    storage.onDamage((bucket) =>
      this.loop.enqueue({ kind: 'unsound', ...(bucket === undefined ? {} : { bucket }) }),
    );
    this.loop.start(this.#transport);
  }

  get view(): View {
    return this.#storage;
  }

  get failure(): RumeurError | undefined {
    return this.loop.failure;
  }

  sizes(): StoreSizes | undefined {
    return this.#storage.sizes();
  }

  /** Says goodbye on every link; what is queued is handled before. */
  leave(): Promise<void> {
    return this.loop.leave();
  }

  /** Closes the links, and takes and dials no further ones. */
  async stop(): Promise<void> {
    await this.#transport?.stop();
  }

  /** Flushes and releases the store. @throws RumeurError `DISK_FULL`, `DISK_FAILED` */
  close(): Promise<void> {
    return this.#storage.close();
  }
}

function openTransport(loop: Loop, { config, server }: SessionOptions): SocketIoTransport {
  const options = {
    server,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    // Twice: while two peers dial each other there are two links for a moment.
    maxLinks: 2 * config.limits.links,
    dialTimeoutMs: config.gossip.dialTimeoutMs,
  };
  return new SocketIoTransport(options, {
    opened: (link, direction, remote, url) =>
      loop.enqueue({
        kind: 'linkOpened',
        link,
        direction,
        remote,
        ...(url === undefined ? {} : { url }),
      }),
    received: (link, bytes) => loop.received({ link, bytes }),
    closed: (link, reason) => loop.enqueue({ kind: 'linkClosed', link, reason }),
    dialFailed: (url, reason) => loop.enqueue({ kind: 'dialFailed', url, reason }),
  });
}
