import { RumeurError } from '../src/base/errors.js';
import type { PeerClient } from './client.js';
import { findConfig, targetOfConfig, targetOfUrl, type Target } from './target.js';

/** The options that all commands take. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly bucket: string | undefined;
  readonly timeoutMs: number;
  readonly url: string | undefined;
}

/** One run of one command: which peer it is for, and the connection to it. */
export class Session {
  readonly options: GlobalOptions;
  /** The config as the user wrote it. */
  readonly #config: string | undefined;
  readonly #defaultUrl: string | undefined;
  #client: PeerClient | undefined;

  constructor(config: string | undefined, options: GlobalOptions, defaultUrl: string | undefined) {
    this.#config = config;
    this.options = options;
    this.#defaultUrl = defaultUrl;
  }

  get json(): boolean {
    return this.options.json;
  }

  /** The path of the config. @throws RumeurError `CONFIG_INVALID`, `ARGUMENT_INVALID` without one */
  configPath(): string {
    if (this.#config !== undefined) return findConfig(this.#config);
    throw new RumeurError('ARGUMENT_INVALID', 'this command needs a config', {
      hint: 'write it before the command: rumeur config1 start',
    });
  }

  /** @throws RumeurError `CONFIG_INVALID`, `ARGUMENT_INVALID` */
  target(): Promise<Target> {
    if (this.#config !== undefined) return targetOfConfig(findConfig(this.#config));
    const url = this.options.url ?? this.#defaultUrl;
    if (url === undefined) throw new Error('invariant broken: neither a config nor a URL');
    return targetOfUrl(url);
  }

  /** The options of an event that works on a bucket. */
  eventOptions(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const { bucket } = this.options;
    return bucket === undefined ? { ...more } : { bucket, ...more };
  }

  /** The same where values travel: as JSON text, so that every digit survives. */
  rawOptions(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return this.eventOptions({ raw: true, ...more });
  }

  /** @throws RumeurError as `PeerClient.connect` */
  async connect(options: { reconnect?: boolean } = {}): Promise<PeerClient> {
    const target = await this.target();
    const { PeerClient } = await import('./client.js');
    try {
      this.#client = await PeerClient.connect(target.url, { timeoutMs: this.options.timeoutMs, ...options });
      return this.#client;
    } catch (error) {
      throw await this.#explained(error, target);
    }
  }

  close(): void {
    this.#client?.close();
  }

  /** An unreachable peer may be one that does not start, for its config is wrong: then that is the news. */
  async #explained(error: unknown, { configPath }: Target): Promise<unknown> {
    if (!(error instanceof RumeurError) || error.code !== 'PEER_UNREACHABLE') return error;
    let hint = error.hint ?? 'is the peer running?';
    if (configPath !== undefined) {
      const { loadConfig } = await import('../src/runtime/load-config.js');
      await loadConfig(configPath);
      hint = error.hint ?? `is it running? start it with: rumeur ${this.#config ?? configPath} start`;
    }
    return new RumeurError(error.code, error.message, { hint, cause: error });
  }
}
