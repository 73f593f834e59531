/*
 * The thread that scans: classic-level reads single rows at once, but ranges only by promises, and reading is synchronous
 * here. It sleeps until it is asked.
 */
import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { levelError } from './errors.js';
import { type Level, openLevel } from './open-level.js';
import { ScanBuffer, type ScanQuestion, Turn } from './scan-buffer.js';

export interface ScanWorkerData {
  readonly path: string;
  readonly memory: SharedArrayBuffer;
}

/** Classic-level gives up to this many bytes, and one row more, at a time. */
const PIECE_BYTES = 64 * 1024;
const PIECES = 4;

const { path, memory } = workerData as ScanWorkerData;
const buffer = new ScanBuffer(memory);

if (parentPort === null) throw new Error('this is a thread of another program');
// By then the store is open, so that we do not bring it its cache.
await once(parentPort, 'message');
const level = await openLevel(path, { createIfMissing: false });
parentPort.postMessage('open');
try {
  await serve(level);
} finally {
  await level.close();
  parentPort.close();
}

async function serve(from: Level): Promise<void> {
  for (;;) {
    const turn = buffer.turn();
    if (turn === Turn.ended) return;
    if (turn === Turn.asked) buffer.reply(await answer(from, buffer.question()));
    else buffer.waitWhile(turn);
  }
}

async function answer(from: Level, question: ScanQuestion): Promise<Turn> {
  try {
    const { rows, isEnd } = await read(from, question);
    const { count, isAll } = buffer.putRows(rows);
    buffer.putEnd(count, isEnd && isAll);
    return Turn.answered;
  } catch (error) {
    const { code, message } = levelError(error) as { code?: unknown; message?: unknown };
    buffer.putText(JSON.stringify({ code, message }));
    return Turn.failed;
  }
}

async function read(
  from: Level,
  { start, end, reverse, maxRows }: ScanQuestion,
): Promise<{ rows: [Buffer, Buffer][]; isEnd: boolean }> {
  const iterator = from.iterator({
    gte: start,
    lt: end,
    reverse,
    fillCache: true,
    highWaterMarkBytes: PIECE_BYTES,
  });
  try {
    const rows: [Buffer, Buffer][] = [];
    for (let piece = 0; piece < PIECES && rows.length < maxRows; piece++) {
      const more = await iterator.nextv(maxRows - rows.length);
      if (more.length === 0) return { rows, isEnd: true };
      rows.push(...more);
    }
    // LevelDB passes over what it cannot read, and tells of it only at the end.
    iterator.seek(end);
    await iterator.nextv(1);
    return { rows, isEnd: false };
  } finally {
    await iterator.close();
  }
}
