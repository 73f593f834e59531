import { Buffer } from 'node:buffer';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Random } from '../../../src/base/random.js';
import type { Disk, DiskOp } from './disk.js';

const SECTOR = 512;
/** How much of what nothing made durable is there nevertheless; `undefined`: drawn for each image. */
const KEPT = [0, 0.05, 0.5, undefined, 0.95, 1];

/** What a disk may hold when the power fails at some moment. */
export interface Image {
  /** The acknowledged writes, number to dot. */
  readonly acked: ReadonlyMap<number, string>;
  /** Bytes by path, relative to the recorded folder. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * Draws a moment, half of the time the one right after an acknowledgement, and what is on the disk then: what was synced
 * stands; of every other write each sector of 512 bytes stands or does not; of names that no sync covers only the
 * first few have come to be, as with a file system that keeps a journal of names.
 * @param isHonest whether the disk kept its word about syncs
 */
export function drawImage(disk: Disk, random: Random, isHonest = true): Image {
  const { ops } = disk;
  const acks = ops.flatMap((op, index) => (op.kind === 'ack' ? [index] : []));
  const isAtAck = random.float() < 0.5 && acks.length > 0;
  const crash = isAtAck ? (random.pick(acks) ?? 0) + 1 : random.integer(0, ops.length);
  const kept = random.pick(KEPT) ?? random.float();
  const happened = ops.slice(0, crash);
  const isDurable = (op: { durableFrom: number }): boolean => isHonest && op.durableFrom <= crash;
  const acked = new Map<number, string>();
  for (const op of happened) if (op.kind === 'ack') acked.set(op.n, op.dot);
  const contents = contentsOf(happened, isDurable, (chance) => random.float() < chance, kept);
  const names = namesOf(happened, isHonest ? crash : -1, random);
  const files = new Map<string, Buffer>();
  for (const [path, { inode, isDirectory }] of names) {
    if (isDirectory || isWithoutFolder(path, disk, names)) continue;
    const parts = contents.get(inode);
    // What is mapped and written, lock files, is not in the trace: then it is as if it had never been.
    if (parts || !path.endsWith('-lock')) files.set(relative(disk.root, path), parts ?? Buffer.alloc(0));
  }
  return { acked, files };
}

function contentsOf(
  happened: readonly DiskOp[],
  isDurable: (op: { durableFrom: number }) => boolean,
  draw: (chance: number) => boolean,
  kept: number,
): Map<number, Buffer> {
  const parts = new Map<number, { at: number; bytes: Buffer }[]>();
  for (const op of happened) {
    if (op.kind !== 'write') continue;
    const list = parts.get(op.inode) ?? [];
    if (list.length === 0) parts.set(op.inode, list);
    if (isDurable(op)) {
      list.push(op);
      continue;
    }
    for (let from = 0; from < op.bytes.length;) {
      const to = Math.min(op.bytes.length, from + SECTOR - ((op.at + from) % SECTOR));
      if (draw(kept)) list.push({ at: op.at + from, bytes: op.bytes.subarray(from, to) });
      from = to;
    }
  }
  return new Map([...parts].map(([inode, list]) => [inode, joined(list)]));
}

/** As long as the last part says, zeros where there is none. */
function joined(parts: readonly { at: number; bytes: Buffer }[]): Buffer {
  const file = Buffer.alloc(Math.max(0, ...parts.map(({ at, bytes }) => at + bytes.length)));
  for (const { at, bytes } of parts) bytes.copy(file, at);
  return file;
}

interface Name {
  readonly inode: number;
  readonly isDirectory: boolean;
}

/** The names that there are, with what stands under them. */
function namesOf(happened: readonly DiskOp[], crash: number, random: Random): Map<string, Name> {
  const changes = happened.flatMap((op) => (op.kind === 'name' ? [op] : []));
  const sure = changes.findLastIndex(({ durableFrom }) => durableFrom <= crash) + 1;
  const names = new Map<string, Name>();
  for (const { path, inode, from, isDirectory } of changes.slice(0, random.integer(sure, changes.length))) {
    if (from !== undefined) names.delete(from);
    if (inode === undefined) names.delete(path);
    else names.set(path, { inode, isDirectory });
  }
  return names;
}

/** Whether a directory above it has not come to be. */
function isWithoutFolder(path: string, disk: Disk, names: ReadonlyMap<string, Name>): boolean {
  const folder = dirname(path);
  return folder !== disk.root && (!names.has(folder) || isWithoutFolder(folder, disk, names));
}

/** Puts an image where it can be opened. */
export function writeImage(image: Image, folder: string): void {
  for (const [path, bytes] of image.files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}
