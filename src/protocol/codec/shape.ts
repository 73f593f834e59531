import { isUtf8 } from 'node:buffer';
import { MAX_DEPTH, MAX_ELEMENTS } from '../limits.js';
import { MalformedMessage } from '../malformed.js';

/**
 * Walks the MessagePack headers: only nil, booleans, unsigned integers, valid UTF-8, bytes and arrays; bounded depth and
 * length.
 */
export function checkShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const open: number[] = [];
  let budget = Math.min(bytes.length, MAX_ELEMENTS);
  let at = 0;
  do {
    if (at >= bytes.length) throw new MalformedMessage('truncated');
    const header = readHeader(view, at);
    if (header.text > 0 && !isUtf8(bytes.subarray(at + header.size - header.text, at + header.size))) {
      throw new MalformedMessage('a text that is not UTF-8');
    }
    at += header.size;
    if (open.length > 0) open[open.length - 1] = (open[open.length - 1] as number) - 1;
    if (header.elements > 0) {
      budget -= header.elements;
      if (budget < 0 || open.length >= MAX_DEPTH) throw new MalformedMessage('nested too deep or too long');
      open.push(header.elements);
    }
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
  } while (open.length > 0);
  if (at !== bytes.length) throw new MalformedMessage('wrong length');
}

/** One MessagePack item: its bytes (of a list only the header), how many of them are text, how many elements follow. */
interface Header {
  readonly size: number;
  readonly text: number;
  readonly elements: number;
}

const plain = (size: number): Header => ({ size, text: 0, elements: 0 });
const textOf = (header: number, text: number): Header => ({ size: header + text, text, elements: 0 });
const listOf = (size: number, elements: number): Header => ({ size, text: 0, elements });

function readHeader(view: DataView, at: number): Header {
  const tag = view.getUint8(at);
  if (tag <= 0x7f || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return plain(1);
  if (tag >= 0xa0 && tag <= 0xbf) return textOf(1, tag & 0x1f);
  if (tag >= 0x90 && tag <= 0x9f) return listOf(1, tag & 0x0f);
  try {
    switch (tag) {
      case 0xc4:
        return plain(2 + view.getUint8(at + 1));
      case 0xc5:
        return plain(3 + view.getUint16(at + 1));
      case 0xc6:
        return plain(5 + view.getUint32(at + 1));
      case 0xd9:
        return textOf(2, view.getUint8(at + 1));
      case 0xda:
        return textOf(3, view.getUint16(at + 1));
      case 0xdb:
        return textOf(5, view.getUint32(at + 1));
      case 0xcc:
        return plain(2);
      case 0xcd:
        return plain(3);
      case 0xce:
        return plain(5);
      case 0xcf:
        return plain(9);
      case 0xdc:
        return listOf(3, view.getUint16(at + 1));
      case 0xdd:
        return listOf(5, view.getUint32(at + 1));
    }
  } catch {
    throw new MalformedMessage('truncated');
  }
  throw new MalformedMessage(`unexpected MessagePack type 0x${tag.toString(16)}`);
}
