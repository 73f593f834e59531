/** Why a link ended. Fixed texts: people search logs for them. The owner's own reasons join these. */
export const CLOSED = {
  byPeer: 'closed by the other side',
  lost: 'connection lost',
  silent: 'no answer to pings',
  badMessage: 'bad message',
  tooLarge: 'message too large',
  tooSlow: 'the other side does not read',
  stopped: 'stopped',
} as const;

/** Why a dial came to nothing. */
export const DIAL_FAILED = {
  refused: 'refused: nothing listens there',
  nameUnknown: 'host name not found',
  unreachable: 'host unreachable',
  timeout: 'timed out',
  hungUp: 'closed before it answered',
  forbidden: 'forbidden: its guard refused us (403)',
  notReady: 'not ready: it starts, stops or waits for its disk (503)',
  notAPeer: 'not a Rumeur peer',
  tooManyLinks: 'too many links',
  certificate: 'certificate not accepted',
  stopped: 'stopped',
} as const;

const BY_SYSTEM_CODE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', DIAL_FAILED.refused],
  ['ENOTFOUND', DIAL_FAILED.nameUnknown],
  ['EAI_AGAIN', DIAL_FAILED.nameUnknown],
  ['EHOSTUNREACH', DIAL_FAILED.unreachable],
  ['ENETUNREACH', DIAL_FAILED.unreachable],
  ['EADDRNOTAVAIL', DIAL_FAILED.unreachable],
  ['ETIMEDOUT', DIAL_FAILED.timeout],
  ['ECONNRESET', DIAL_FAILED.hungUp],
  ['EPIPE', DIAL_FAILED.hungUp],
]);
const OF_CERTIFICATES = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_)/;

/**
 * Puts what socket.io-client reports into words. The cause lies under `description.error`: its transport
 * error wraps ws's event, which wraps the error of the system.
 */
export function dialFailureOf(reported: unknown): string {
  const cause = innermost(reported);
  const code = textAt(cause, 'code');
  const bySystem = BY_SYSTEM_CODE.get(code);
  if (bySystem !== undefined) return bySystem;
  if (OF_CERTIFICATES.test(code)) return DIAL_FAILED.certificate;
  const message = textAt(cause, 'message');
  if (message === DIAL_FAILED.tooManyLinks) return message;
  // Ws tells the status of a refused upgrade in the message only.
  if (message.endsWith('server response: 403')) return DIAL_FAILED.forbidden;
  if (message.endsWith('server response: 503')) return DIAL_FAILED.notReady;
  return DIAL_FAILED.notAPeer;
}

/** Puts Socket.IO's reason for the end of a conversation into words. */
export function closeReasonOf(reason: string, details: unknown): string {
  const text = textAt(innermost(details), 'message');
  if (/max payload/i.test(text)) return CLOSED.tooLarge;
  // Engine.IO's client calls a packet that it cannot read a server error.
  if (/invalid|server error/i.test(text) || reason === 'parse error') return CLOSED.badMessage;
  if (reason === 'ping timeout') return CLOSED.silent;
  return reason === 'transport error' ? CLOSED.lost : CLOSED.byPeer;
}

/** Puts WebSocket's close code into words. */
export function closeReasonOfCode(code: number): string {
  if (code === 1006) return CLOSED.lost;
  return code === 1009 ? CLOSED.tooLarge : CLOSED.byPeer;
}

function innermost(error: unknown): unknown {
  for (const key of ['description', 'error']) {
    const inner = at(error, key);
    if (typeof inner === 'object' && inner !== null) return innermost(inner);
  }
  return error;
}

function textAt(value: unknown, key: string): string {
  const found = at(value, key);
  return typeof found === 'string' ? found : '';
}

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
