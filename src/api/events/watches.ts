import { nanoid } from 'nanoid';
import { type ErrorBody, RumeurError } from '../../base/errors.js';
import { toText } from '../../base/bytes.js';
import type { PeerService, RowChange } from '../service.js';
import { jsonText } from '../values.js';
import { watchEnded } from '../watch-ended.js';
import { JsonText } from './codec.js';
import { type EventLimits, overloaded } from './limits.js';

/** What a client hears without asking. */
export interface Listener {
  /** Bytes that it has not read yet. */
  readonly backlog: number;
  change(body: object): void;
  failed(body: { event: string; id?: string; error: ErrorBody }): void;
  /** As `failed`, of an error that is not the client's: it is logged too. */
  broken(thrown: unknown, event: string, id: string): void;
}

/** The watches of one client. Each hears of each change once, also where their prefixes overlap. */
export class Watches {
  readonly #service: PeerService;
  readonly #limits: EventLimits;
  readonly #listener: Listener;
  readonly #stops = new Map<string, () => void>();

  constructor(service: PeerService, limits: EventLimits, listener: Listener) {
    this.#service = service;
    this.#limits = limits;
    this.#listener = listener;
  }

  /** @throws `BUCKET_UNKNOWN`, `OVERLOADED` */
  start(bucket: string, prefix: string, raw: boolean): string {
    const { watchesPerClient } = this.#limits;
    if (this.#stops.size >= watchesPerClient) {
      throw overloaded(
        `this client has ${watchesPerClient} watches, which is the limit`,
        'unwatch one first',
      );
    }
    // Unique for ever: a client that reconnects must not take the changes of a new watch for those of an old one.
    const id = nanoid();
    const stop = this.#service.watch(
      bucket,
      prefix,
      (change) => this.#deliver(id, change, raw),
      (error) => this.#end(id, watchEnded(error).toBody()),
    );
    this.#stops.set(id, stop);
    return id;
  }

  #end(id: string, error: ErrorBody): void {
    this.stop(id);
    this.#listener.failed({ event: 'watch', id, error });
  }

  /** Whether there was such a watch. */
  stop(id: string): boolean {
    this.#stops.get(id)?.();
    return this.#stops.delete(id);
  }

  stopAll(): void {
    for (const id of [...this.#stops.keys()]) this.stop(id);
  }

  #deliver(id: string, change: RowChange, raw: boolean): void {
    // The service may be telling a list of watches that it took before this one ended.
    if (!this.#stops.has(id)) return;
    if (this.#listener.backlog > this.#limits.clientBufferBytes) return this.#overflow();
    const { bucket, key, dot, stamp } = change;
    try {
      this.#listener.change({ id, bucket, key, ...contentOf(change, raw), dot, stamp });
    } catch (thrown) {
      this.#listener.broken(thrown, 'watch', id);
    }
  }

  #overflow(): void {
    const message = `the client has more than ${this.#limits.clientBufferBytes} bytes to read: its watches end`;
    const hint = 'watch a narrower prefix or read faster; then watch anew and read the entries again';
    const error = new RumeurError('WATCH_OVERFLOW', message, { hint }).toBody();
    for (const id of [...this.#stops.keys()]) this.#end(id, error);
  }
}

/** Of sets the member, of everything else the value, or that there is none any more. */
function contentOf({ value, siblings, member }: RowChange, raw: boolean): object {
  if (member) return { member: member.name, added: member.added };
  if (value === null) return { deleted: true };
  const shown = raw ? toText(value) : new JsonText(jsonText(value));
  return siblings === undefined ? { value: shown } : { value: shown, siblings };
}
