/**
 * Every error code that users of the command line, the events and the library may see. The codes are
 * part of the public contract: scripts depend on them, messages may change.
 */
export const ERROR_CODES = [
  'ARGUMENT_INVALID',
  'EVENT_UNKNOWN',
  'KEY_EMPTY',
  'KEY_INVALID',
  'KEY_TOO_LONG',
  'VALUE_INVALID',
  'VALUE_TOO_LARGE',
  'NOT_FOUND',
  'EXISTS',
  'POLICY',
  'BUCKET_UNKNOWN',
  'PEER_UNREACHABLE',
  'PEER_REFUSED',
  'CLUSTER_MISMATCH',
  'PROTOCOL_MISMATCH',
  'CLOCK_DRIFT',
  'READ_ONLY',
  'DISK_FULL',
  'DISK_FAILED',
  'OVERLOADED',
  'RATE_LIMITED',
  'WATCH_OVERFLOW',
  'TIMEOUT',
  'FORBIDDEN',
  'CONFIG_INVALID',
  'IN_USE',
  'INTERNAL',
] as const;

/** A stable code; docs/OPERATIONS.md says what to do about each. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What may go well when it is tried again later, as it is: nothing is wrong with what was asked. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'DISK_FULL', 'DISK_FAILED']);

/** What an error looks like on the wire: `hint` says what to do about it. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  hint?: string;
  /** Present where the same may go well when it is tried again later, here or at another peer. */
  retryable?: true;
}

/** The one error type of Rumeur: a stable `code`, what happened, and where possible what to do. */
export class RumeurError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RumeurError';
    this.code = code;
    this.hint = options.hint;
  }

  /** Whether the same may go well when it is tried again later: `OVERLOADED`, `DISK_FULL`, `DISK_FAILED`. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }

  /** The error as it goes to a client. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.retryable ? { retryable: true } : {}),
    };
  }
}

/** Any thrown thing as a RumeurError; what is not ours becomes `INTERNAL` and keeps its cause. */
export function toRumeurError(thrown: unknown): RumeurError {
  if (thrown instanceof RumeurError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new RumeurError('INTERNAL', message, { cause: thrown });
}
