/** What must never be and was: `kind` stays the same while a plan is reduced. */
export class Violation extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.name = 'Violation';
    this.kind = kind;
  }
}

/** The kind of whatever a run threw: an error of the product's own is one of its message, without the names in it. */
export function kindOf(thrown: unknown): string {
  if (thrown instanceof Violation) return thrown.kind;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return `threw: ${message.replace(/[\w-]{21}|'[^']*'|\d+/g, '_').slice(0, 80)}`;
}

export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error
    ? thrown instanceof Violation
      ? thrown.message
      : (thrown.stack ?? thrown.message)
    : String(thrown);
