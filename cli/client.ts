import type { Socket } from 'socket.io-client';
import { ERROR_CODES, RumeurError, type ErrorCode } from '../src/base/errors.js';
import { io } from '../src/transport/socket-io-client.js';

/** What a peer answers to an event: `value` and, depending on the event, more. */
export interface Answer {
  readonly ok: true;
  readonly value: unknown;
  readonly found?: unknown;
  readonly more?: unknown;
  readonly after?: unknown;
  readonly context?: unknown;
}

export interface ClientOptions {
  /** For connecting, and for each answer. */
  readonly timeoutMs: number;
  /** Whether to connect again when the connection is lost; default false. */
  readonly reconnect?: boolean;
}

/** Calls the Socket.IO events of a peer. */
export class PeerClient {
  readonly url: string;
  readonly #socket: Socket;
  readonly #timeoutMs: number;

  private constructor(url: string, socket: Socket, timeoutMs: number) {
    this.url = url;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws RumeurError `PEER_UNREACHABLE`; `FORBIDDEN` when the peer's guard refuses; the peer's own refusal */
  static async connect(url: string, { timeoutMs, reconnect = false }: ClientOptions): Promise<PeerClient> {
    const socket = io(url, {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      forceNew: true,
      reconnection: reconnect,
      reconnectionDelay: 250,
      reconnectionDelayMax: 2000,
      timeout: timeoutMs,
    });
    try {
      await connected(url, socket, timeoutMs);
    } catch (error) {
      socket.disconnect();
      throw error;
    }
    return new PeerClient(url, socket, timeoutMs);
  }

  /** @throws RumeurError the peer's error; `TIMEOUT` without an answer; `PEER_UNREACHABLE` when the connection is lost */
  call(event: string, ...args: readonly unknown[]): Promise<Answer> {
    return this.callWithin(this.#timeoutMs, event, ...args);
  }

  /** The same for what may take longer. */
  async callWithin(timeoutMs: number, event: string, ...args: readonly unknown[]): Promise<Answer> {
    if (!this.#isConnected()) throw this.#lost(event);
    let answer: unknown;
    try {
      answer = await this.#socket.timeout(timeoutMs).emitWithAck(event, ...args);
    } catch (cause) {
      if (!this.#isConnected()) throw this.#lost(event, cause);
      throw new RumeurError('TIMEOUT', `${this.url} did not answer ${event} within ${timeoutMs} ms`, {
        cause,
        hint: 'it may still be done; ask again, or give it longer with --timeout',
      });
    }
    return checked(answer, this.url, event);
  }

  /** Calls `listener` with the arguments of each such event of the peer. */
  on(event: string, listener: (message: unknown) => void): void {
    this.#socket.on(event, listener);
  }

  /** `lost` when the connection is lost; `again` each time it is back. Only with `reconnect`. */
  onConnection(lost: () => void, again: () => void): void {
    this.#socket.on('disconnect', (reason) => {
      if (reason === 'io client disconnect') return;
      lost();
      // Socket.IO takes it as final when the other side says goodbye; a peer that restarts does.
      if (reason === 'io server disconnect') this.#socket.connect();
    });
    this.#socket.on('connect', again);
  }

  close(): void {
    this.#socket.disconnect();
  }

  #isConnected(): boolean {
    return this.#socket.connected;
  }

  #lost(event: string, cause?: unknown): RumeurError {
    return new RumeurError(
      'PEER_UNREACHABLE',
      `${this.url} closed the connection before it answered ${event}`,
      {
        cause,
        hint: 'it may have stopped, or the message was too large for it; what was asked may or may not be done',
      },
    );
  }
}

function connected(url: string, socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(silent(url, `no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once('connect_error', (error) => {
      clearTimeout(timer);
      reject(connectError(url, error));
    });
  });
}

/** What socket.io-client tells about a failed connection; neither is typed, as it depends on the transport. */
interface ConnectFailure extends Error {
  /** What the server's middleware sent. */
  readonly data?: unknown;
  readonly description?: { readonly error?: NodeJS.ErrnoException } | number;
  readonly context?: { readonly status?: number; readonly statusText?: NodeJS.ErrnoException };
}

function connectError(url: string, failure: ConnectFailure): RumeurError {
  if (failure.data !== undefined) return bodyError(failure.data, failure.message);
  const { description, context } = failure;
  const code =
    (typeof description === 'object' ? description.error?.code : undefined) ?? context?.statusText?.code;
  if (context?.status === 403) {
    return new RumeurError('FORBIDDEN', `${url} refuses to be called by this name`, {
      hint: 'use an address of it, or add the host name to allowedHosts in its config',
    });
  }
  if (context?.status !== undefined && context.status > 0) {
    return unreachable(url, `what answers there is no Rumeur peer (HTTP ${context.status})`);
  }
  if (failure.message === 'timeout') return silent(url, 'no answer in time');
  return unreachable(url, REASONS[code ?? failure.message] ?? code ?? failure.message);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed at once',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  EPROTO: 'what answers there does not speak TLS',
  HPE_INVALID_CONSTANT: 'what answers there is no Rumeur peer',
};

function unreachable(url: string, reason: string): RumeurError {
  return new RumeurError('PEER_UNREACHABLE', `cannot reach ${url}: ${reason}`);
}

/** Nobody refused: it may well be running. */
const silent = (url: string, what: string): RumeurError =>
  new RumeurError('PEER_UNREACHABLE', `cannot reach ${url}: ${what}`, {
    hint: 'it may be stopped, very busy or behind a firewall; --timeout waits longer',
  });

function checked(answer: unknown, url: string, event: string): Answer {
  if (isRecord(answer)) {
    if (answer['ok'] === true && 'value' in answer) return answer as unknown as Answer;
    if (answer['ok'] === false) throw bodyError(answer['error'], `${event} failed`);
  }
  throw new RumeurError('INTERNAL', `${url} gave an answer to ${event} that makes no sense`, {
    hint: 'is it a Rumeur peer, and of this version?',
  });
}

/** An error as a peer sends it; of a code that this version does not know, the message is kept. */
export function bodyError(body: unknown, otherwise: string): RumeurError {
  if (!isRecord(body)) return new RumeurError('PEER_REFUSED', otherwise);
  const { code, message, hint } = body;
  const known = ERROR_CODES.find((one): one is ErrorCode => one === code);
  return new RumeurError(
    known ?? 'INTERNAL',
    typeof message === 'string' ? message : otherwise,
    typeof hint === 'string' ? { hint } : {},
  );
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
