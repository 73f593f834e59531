import { Buffer } from 'node:buffer';
import { toHex, toText, utf8 } from '../../../src/base/bytes.js';
import type { OriginId } from '../../../src/base/ids.js';
import type { EntryWithoutDigest } from '../../../src/data/entry.js';
import { stampFromText, stampToText } from '../../../src/data/stamp.js';
import { VersionVector } from '../../../src/data/version-vector.js';
import { decodeMessage, encodeMessage, packOps, unpackOps } from '../../../src/protocol/codec.js';
import type { MemberRecord } from '../../../src/protocol/members.js';
import type { Message } from '../../../src/protocol/messages.js';

/*
 * Messages as docs/PROTOCOL.md writes them: JSON with hashes in hex, stamps as 16 hex digits, values as text, version
 * vectors (contexts too) as { origin: "1-3,5-7" }, and the body of a push as its operations.
 */

type Described = Record<string, unknown>;

export function describeMessage(bytes: Uint8Array): unknown {
  const message = decodeMessage(bytes);
  if (message.type !== 'push') return describe(message);
  const { origin, body } = message;
  const ops = unpackOps(origin, body).map(({ seq, stamp, key, value, context }) =>
    describe({ seq, stamp, key, value, context }),
  );
  return { ...(describe(message) as Described), body: ops };
}

/** @param described as `describeMessage` gives it */
export function encodeDescribed(described: Described): Uint8Array {
  const { body, origin } = described;
  const revived = revive('', described) as Described;
  if (described['type'] === 'push') {
    const ops = (body as Described[]).map((op) => revive('', { origin, ...op }) as EntryWithoutDigest);
    revived['body'] = packOps(ops);
  }
  return encodeMessage(revived as unknown as Message);
}

function describe(value: unknown): unknown {
  if (value instanceof VersionVector) return describeVector(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(describe);
  if (typeof value === 'bigint') return stampToText(value as never);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]: [string, unknown]) => [
    name,
    name === 'value' && member instanceof Uint8Array ? toText(member) : describe(member),
  ]);
  return Object.fromEntries(members) as unknown;
}

const describeVector = (vector: VersionVector): Described =>
  Object.fromEntries(
    [...vector.entries()].map(([origin, set]) => {
      const pairs = Array.from(
        { length: set.length / 2 },
        (_, i) => `${set[2 * i] ?? 0}-${set[2 * i + 1] ?? 0}`,
      );
      return [origin, pairs.join(',')];
    }),
  );

export function reviveVector(described: unknown): VersionVector {
  const rows = Object.entries(described as Record<string, string>);
  return new VersionVector(
    rows.map(([origin, text]) => [origin as OriginId, text.split(/[-,]/).map(Number)]),
  );
}

const VECTORS = new Set(['vector', 'floor', 'claims', 'context']);
const HASHES = new Set(['vectorHash', 'stateHash', 'membersHash', 'sum', 'digest']);
const STAMPS = new Set(['stamp', 'number', 'evictedUpTo', 'downUpTo', 'seenUpTo']);

function revive(name: string, value: unknown): unknown {
  if (VECTORS.has(name)) return reviveVector(value);
  if (HASHES.has(name)) return Buffer.from(String(value), 'hex');
  if (STAMPS.has(name)) return stampFromText(String(value));
  if (name === 'value' && typeof value === 'string') return utf8(value);
  if (Array.isArray(value))
    return value.map((item) => (isVectorRow(item) ? [item[0], reviveVector(item[1])] : revive('', item)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(key, member)]));
}

/** `[bucket, vector]`, as in the messages `vectors` and `members`. */
const isVectorRow = (item: unknown): item is [string, unknown] =>
  Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && typeof item[1] === 'object';

/** An entry as the worked example of digests writes it. */
export const reviveEntry = (described: Described): EntryWithoutDigest =>
  revive('', described) as EntryWithoutDigest;

/** A member's record as the example of their hash writes it. */
export const reviveRecord = (described: Described): MemberRecord => revive('', described) as MemberRecord;
