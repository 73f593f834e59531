import { Buffer } from 'node:buffer';
import { equalBytes } from '../src/base/bytes.js';
import type { OriginId } from '../src/base/ids.js';
import { type Entry, sealEntry } from '../src/data/entry.js';
import { unpackOps } from '../src/protocol/codec.js';

/** So many frames are remembered: by far more than are under way at any moment. */
const MOST = 4096;
/** Seq and stamp of the first operation, and the begin of its key. */
const PREFIX_BYTES = 24;

interface Frame {
  readonly body: Uint8Array;
  readonly entries: readonly Entry[];
}

/**
 * Opens the frames of a whole world. The same operations come to a thousand peers: they are read and hashed once, and all
 * stores hold the same entries. What is opened is what each peer would have made of it, as a frame is known by its bytes.
 */
export class Frames {
  readonly #frames = new Map<string, Frame>();

  /** The operations of a push, with their digests. @throws MalformedMessage */
  readonly open = (origin: OriginId, body: Uint8Array): readonly Entry[] => {
    const start = Buffer.from(body.buffer, body.byteOffset, Math.min(PREFIX_BYTES, body.length));
    const key = `${origin} ${body.length} ${start.toString('latin1')}`;
    const known = this.#frames.get(key);
    if (known && equalBytes(known.body, body)) return known.entries;
    const frame = { body, entries: unpackOps(origin, body).map(sealed) };
    if (this.#frames.size >= MOST) this.#frames.delete(this.#frames.keys().next().value ?? '');
    this.#frames.set(key, frame);
    return frame.entries;
  };
}

/** With a value of its own: a part of the frame would be copied by every store. */
function sealed(op: Parameters<typeof sealEntry>[0]): Entry {
  const { value } = op;
  return sealEntry(value === null ? op : { ...op, value: new Uint8Array(value) });
}
