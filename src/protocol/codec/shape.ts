import { isUtf8 } from 'node:buffer';
import { MAX_DEPTH, MAX_ELEMENTS } from '../limits.js';
import { MalformedMessage } from '../malformed.js';

/**
 * Walks the MessagePack headers: only nil, booleans, unsigned integers, valid UTF-8, bytes and arrays; bounded depth and
 * length.
 */
export function checkShape(bytes: Uint8Array): void {
  /** Of the lists around what comes next: how many elements each still lacks. */
  const open: number[] = [];
  let budget = Math.min(bytes.length, MAX_ELEMENTS);
  let at = 0;
  do {
    if (at >= bytes.length) throw new MalformedMessage('truncated');
    const tag = bytes[at] as number;
    const size = headerSize(tag);
    const length = lengthAt(bytes, at, tag, size);
    at += size;
    if (open.length > 0) open[open.length - 1] = (open[open.length - 1] as number) - 1;
    if (!isList(tag)) {
      if (isText(tag) && !isUtf8(bytes.subarray(at, at + length)))
        throw new MalformedMessage('a text that is not UTF-8');
      at += length;
    } else if (length > 0) {
      budget -= length;
      if (budget < 0 || open.length >= MAX_DEPTH) throw new MalformedMessage('nested too deep or too long');
      open.push(length);
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) throw new MalformedMessage('wrong length');
}

const isText = (tag: number): boolean => (tag >= 0xa0 && tag <= 0xbf) || (tag >= 0xd9 && tag <= 0xdb);
const isList = (tag: number): boolean => (tag >= 0x90 && tag <= 0x9f) || tag === 0xdc || tag === 0xdd;

/** The bytes of an item's tag and of the length or number that follows it. */
function headerSize(tag: number): number {
  if (tag <= 0x7f || (tag >= 0x90 && tag <= 0xbf)) return 1;
  switch (tag) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 1;
    case 0xc4:
    case 0xcc:
    case 0xd9:
      return 2;
    case 0xc5:
    case 0xcd:
    case 0xda:
    case 0xdc:
      return 3;
    case 0xc6:
    case 0xce:
    case 0xdb:
    case 0xdd:
      return 5;
    case 0xcf:
      return 9;
  }
  throw new MalformedMessage(`unexpected MessagePack type 0x${tag.toString(16)}`);
}

/** How many bytes of text or data follow an item's header, or how many elements. */
function lengthAt(bytes: Uint8Array, at: number, tag: number, size: number): number {
  if (at + size > bytes.length) throw new MalformedMessage('truncated');
  if (tag >= 0xa0 && tag <= 0xbf) return tag & 0x1f;
  if (tag >= 0x90 && tag <= 0x9f) return tag & 0x0f;
  if (size === 1 || (tag >= 0xcc && tag <= 0xcf)) return 0;
  let length = 0;
  for (let i = at + 1; i < at + size; i++) length = length * 256 + (bytes[i] as number);
  return length;
}
