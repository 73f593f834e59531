import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

/** Byte-wise order, the order of keys everywhere. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && Buffer.compare(a, b) === 0;

export const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

export const toText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The first 16 bytes of SHA-256. In one call: an object for each hash costs the garbage collector more than hashing. */
export const digest128 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer').subarray(0, 16);

/**
 * The order of two strings' UTF-8 bytes without encoding them. UTF-16 units sort like code points except
 * that surrogates (U+10000 and above) must come after U+E000 to U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

const codePointRank = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
