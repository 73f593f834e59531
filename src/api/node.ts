import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { closeFirst, type FirstStore, openFirst } from '../runtime/first-store.js';
import { Keeper } from '../runtime/keeper.js';
import { createLogger, logNote } from '../runtime/logger.js';
import { ConfiguredStore, type StoreOpener } from '../runtime/open-store.js';
import { GuardedHttpServer } from '../transport/http-server.js';
import { attachEvents, type EventsServer } from './events/attach.js';
import { LocalService } from './local-service.js';

/** Connections beside those of peers and clients: page loads, polling, a doorstep for those who are refused. */
const SPARE_CONNECTIONS = 200;

/** The parts of a running peer, opened in order and closed in the reverse. */
export class PeerNode {
  readonly config: Config;
  readonly service: LocalService;
  readonly port: number;
  readonly url: string;
  readonly logger: Logger;
  readonly #http: GuardedHttpServer;
  readonly #keeper: Keeper;
  readonly #events: EventsServer;
  #closed: Promise<void> | undefined;

  private constructor(
    config: Config,
    opener: StoreOpener,
    first: FirstStore,
    http: GuardedHttpServer,
    logger: Logger,
    clock: () => number,
  ) {
    this.config = config;
    this.logger = logger;
    this.#http = http;
    this.port = http.port;
    const reachable = config.advertise ?? urlOf(config.host, http.port);
    this.url = reachable ?? urlOf('127.0.0.1', http.port) ?? '';
    this.#keeper = new Keeper(first, {
      config,
      url: reachable,
      server: http,
      wallClock: clock,
      opener,
      onChange: (change) => this.service.changed(change),
      onNote: (note) => logNote(logger, note),
      onLoss: (error) => this.service.lost(error),
    });
    this.service = new LocalService(config, this.url, this.#keeper, clock);
    this.#events = attachEvents(http.mount('/socket.io/'), this.service, {
      limits: config.limits,
      allowedOrigins: config.allowedOrigins,
      report: (error, event) =>
        logger.error({ event, err: error }, `event '${event}' failed: ${error.message}`),
    });
  }

  /** @throws RumeurError `IN_USE` for a taken port or data directory, `CONFIG_INVALID`, `DISK_FAILED` */
  static async open(config: Config, clock: () => number): Promise<PeerNode> {
    const logger = await createLogger(config.name, config.log);
    const opener = new ConfiguredStore(config, (note) => logNote(logger, note));
    const first = await openFirst(opener);
    try {
      const http = new GuardedHttpServer({
        name: config.name,
        host: config.host,
        ...(config.advertise === undefined ? {} : { advertise: config.advertise }),
        allowedHosts: config.allowedHosts,
        allowedOrigins: config.allowedOrigins,
        maxConnections: config.limits.links * 2 + config.limits.clients + SPARE_CONNECTIONS,
        onError: (error) => logger.error({ err: error }, error.message),
      });
      await http.listen(config.host, config.port);
      const provenance = 'storage' in first ? first.storage.provenance : 'untouched';
      if (provenance !== 'untouched') logger.info({ provenance }, PROVENANCE[provenance]);
      return new PeerNode(config, opener, first, http, logger, clock);
    } catch (error) {
      await closeFirst(first);
      throw error;
    }
  }

  /** Lets requests under way end, says goodbye, flushes, releases port and store. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#events.close(500);
    await this.#keeper.leave();
    await Promise.all([this.#keeper.stop(), this.#http.close()]);
    this.service.close();
    await this.#keeper.close();
  }
}

const PROVENANCE = {
  new: 'a new store',
  unclean: 'the store was not closed cleanly or has been changed since: writing under a new origin',
  copied: 'the store is a copy: going on as a new peer',
} as const;

/** Where others reach us; `null` when we listen on every address and none is advertised. */
function urlOf(host: string, port: number): string | null {
  if (host === '0.0.0.0' || host === '::') return null;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
