import { Buffer } from 'node:buffer';
import { dirname } from 'node:path';
import { type Call, callsOf } from '../tools/strace.js';

/** What happened to the disk, or was said because of it, in order. */
export type DiskOp =
  | {
      readonly kind: 'write';
      readonly inode: number;
      readonly at: number;
      readonly bytes: Buffer;
      /** The index of the operation from which on it is on the disk; infinite when nothing made sure of that. */
      durableFrom: number;
    }
  /** A name appears, moves or goes: `inode` stands under `path` from here on, and no longer under `from`. */
  | {
      readonly kind: 'name';
      readonly path: string;
      readonly inode: number | undefined;
      readonly from?: string;
      readonly isDirectory: boolean;
      durableFrom: number;
    }
  | { readonly kind: 'ack'; readonly n: number; readonly dot: string };

interface Handle {
  readonly inode: number;
  readonly isSynced: boolean;
  position: number;
}

/**
 * Everything that a store has done to its disk, read from traces with all bytes. What is written through a map is not
 * seen; the engines map for reading only, their lock files apart.
 */
export class Disk {
  readonly ops: DiskOp[] = [];
  /** Paths at the end of what is recorded, within `root`. */
  readonly #names = new Map<string, number>();
  readonly #root: string;
  readonly #acks: string;
  /** For each operation the number of the call that it came of. */
  readonly #callOf: number[] = [];
  #calls = 0;
  #inodes = 0;
  readonly #sizes = new Map<number, number>();
  #handles = new Map<string, Handle>();

  constructor(root: string, acks: string) {
    this.#root = root;
    this.#acks = acks;
  }

  get root(): string {
    return this.#root;
  }

  /** Adds what one process did, which begins without open files. */
  add(trace: string): void {
    this.#handles = new Map();
    const base = this.#calls;
    for (const call of callsOf(trace)) {
      this.#take({ ...call, text: decoded(call.text), begin: base + call.begin });
      this.#calls++;
    }
  }

  #take(call: Call): void {
    const result = Number(/\) += (-?\d+)/.exec(call.text)?.[1] ?? -1);
    if (result < 0) return;
    switch (call.name) {
      case 'openat':
        return this.#open(call.text, String(result));
      case 'mkdir':
        return this.#name(pathsIn(call.text)[0] ?? '', this.#inodes++, { isDirectory: true });
      case 'rename':
        return this.#rename(pathsIn(call.text));
      case 'unlink':
        return this.#name(pathsIn(call.text)[0] ?? '', undefined);
      case 'close':
        return void this.#handles.delete(fdOf(call.text));
      case 'lseek':
        return this.#seek(fdOf(call.text), result);
      case 'write':
      case 'writev':
      case 'pwrite64':
        return this.#write(call, result);
      case 'fsync':
      case 'fdatasync':
        return this.#sync(call);
    }
  }

  #add(op: DiskOp): void {
    this.ops.push(op);
    this.#callOf.push(this.#calls);
  }

  #open(text: string, fd: string): void {
    const [, path = '', flags = ''] = /, "([^"]*)", ([A-Z_|]+)/.exec(text) ?? [];
    if (path === this.#acks || !path.startsWith(this.#root)) return;
    // What is emptied is, for what may stand afterwards, as good as a new file under the old name.
    const known = flags.includes('O_TRUNC') ? undefined : this.#names.get(path);
    // A directory is opened to be synced, and has no content here.
    if (known === undefined && !flags.includes('O_CREAT')) return;
    const inode = known ?? this.#inodes++;
    if (known === undefined) this.#name(path, inode);
    const position = flags.includes('O_APPEND') ? (this.#sizes.get(inode) ?? 0) : 0;
    this.#handles.set(fd, { inode, isSynced: /O_D?SYNC/.test(flags), position });
  }

  #name(
    path: string,
    inode: number | undefined,
    { from, isDirectory = false }: { from?: string; isDirectory?: boolean } = {},
  ): void {
    if (inode === undefined) this.#names.delete(path);
    else this.#names.set(path, inode);
    if (from !== undefined) this.#names.delete(from);
    const moved = from === undefined ? {} : { from };
    this.#add({ kind: 'name', path, inode, isDirectory, durableFrom: Infinity, ...moved });
  }

  #rename([from = '', to = '']: readonly string[]): void {
    const inode = this.#names.get(from);
    if (inode !== undefined) this.#name(to, inode, { from });
  }

  #seek(fd: string, position: number): void {
    const handle = this.#handles.get(fd);
    if (handle) handle.position = position;
  }

  #write({ name, text }: Call, length: number): void {
    const fd = fdOf(text);
    if (text.includes(`<${this.#acks}>`)) return this.#acknowledge(text);
    const handle = this.#handles.get(fd);
    if (!handle) return;
    const bytes = Buffer.concat(
      [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => bytesOf(hex)),
    );
    const at = name === 'pwrite64' ? Number(/, (\d+)\) += \d+$/.exec(text)?.[1] ?? NaN) : handle.position;
    if (name !== 'pwrite64') handle.position += length;
    if (bytes.length < length || Number.isNaN(at)) throw new Error(`not understood: ${text.slice(0, 300)}`);
    const durableFrom = handle.isSynced ? this.ops.length : Infinity;
    const { inode } = handle;
    this.#sizes.set(inode, Math.max(at + length, this.#sizes.get(inode) ?? 0));
    this.#add({ kind: 'write', inode, at, bytes: bytes.subarray(0, length), durableFrom });
  }

  #acknowledge(text: string): void {
    const [, hex = ''] = /"((?:\\x[0-9a-f]{2})*)"/.exec(text) ?? [];
    const [word, n, dot = ''] = bytesOf(hex).toString().trim().split(' ');
    if (word === 'ack') this.#add({ kind: 'ack', n: Number(n), dot });
  }

  /** Covers what had returned before it began: of a file its bytes, of a directory the names in it. */
  #sync({ text, begin }: Call): void {
    const path = /^\w+\(\d+<([^>]*)>/.exec(text)?.[1] ?? '';
    const inode = this.#handles.get(fdOf(text))?.inode;
    for (const [index, op] of this.ops.entries()) {
      if (op.kind === 'ack' || op.durableFrom !== Infinity || (this.#callOf[index] ?? 0) >= begin) continue;
      const isCovered = op.kind === 'write' ? op.inode === inode : dirname(op.path) === path;
      if (isCovered) op.durableFrom = this.ops.length;
    }
  }
}

const fdOf = (text: string): string => /^\w+\((\d+)/.exec(text)?.[1] ?? '';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll('\\x', ''), 'hex');

/** Paths are in hex digits too. */
const decoded = (text: string): string =>
  text
    .replace(/<((?:\\x[0-9a-f]{2})+)>/g, (_, hex: string) => `<${bytesOf(hex).toString()}>`)
    .replace(/^((?:openat|mkdir|rename|unlink)\(.*)$/, (line) =>
      line.replace(/"((?:\\x[0-9a-f]{2})*)"/g, (_, hex: string) => `"${bytesOf(hex).toString()}"`),
    );

const pathsIn = (text: string): string[] => [...text.matchAll(/"([^"]*)"/g)].map(([, path = '']) => path);
