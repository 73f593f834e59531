import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RumeurError } from '../../src/base/errors.js';

export const FORMATS = ['ndjson', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** Stdin or stdout, whichever it is. */
export const STANDARD = '-';

/** @throws RumeurError `ARGUMENT_INVALID` for an unknown format, or a file name that does not tell */
export function formatOf(file: string, named: string | undefined): Format {
  if (named !== undefined) {
    const format = FORMATS.find((one) => one === named);
    if (format !== undefined) return format;
    throw new RumeurError('ARGUMENT_INVALID', `unknown format ${JSON.stringify(named)}`, {
      hint: 'write --format ndjson or --format json',
    });
  }
  const extension = extname(file).toLowerCase();
  if (extension === '.json') return 'json';
  if (file === STANDARD || extension === '.ndjson' || extension === '.jsonl') return 'ndjson';
  throw new RumeurError('ARGUMENT_INVALID', `the name of ${file} does not tell its format`, {
    hint: 'add --format ndjson (one {"key": ..., "value": ...} a line) or --format json (one object)',
  });
}

/** Bytes in a regular file. @throws RumeurError `ARGUMENT_INVALID` for what cannot be read */
export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const info = await stat(file);
    if (info.isDirectory())
      throw new RumeurError('ARGUMENT_INVALID', `${file} is a folder`, { hint: 'name a file' });
    return info.isFile() ? info.size : undefined;
  } catch (cause) {
    throw fileError(`cannot read ${file}`, cause);
  }
}

export async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  const stream = file === STANDARD ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw fileError(`cannot read ${file === STANDARD ? 'stdin' : file}`, cause);
  }
}

/** Stdin as a file that can be read twice; `remove` when done. */
export async function spooledStdin(): Promise<{ file: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rumeur-import-'));
  const file = join(folder, 'stdin');
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(process.stdin, createWriteStream(file));
  } catch (cause) {
    await remove();
    throw fileError('cannot keep stdin in a temporary file', cause);
  }
  return { file, remove };
}

/** A file that appears under its name only when it is complete. */
export class AtomicFile {
  readonly #path: string;
  readonly #temporary: string;
  readonly #stream: WriteStream;
  #failure: Error | undefined;

  private constructor(path: string, temporary: string, stream: WriteStream) {
    this.#path = path;
    this.#temporary = temporary;
    this.#stream = stream;
    stream.on('error', (error) => (this.#failure = error));
  }

  /** @throws RumeurError `ARGUMENT_INVALID` when the folder cannot be written to */
  static async create(path: string): Promise<AtomicFile> {
    const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
    try {
      const handle = await open(temporary, 'wx');
      return new AtomicFile(path, temporary, handle.createWriteStream({ flush: true }));
    } catch (cause) {
      throw fileError(`cannot write ${path}`, cause);
    }
  }

  /** Resolves when there is room for more. @throws RumeurError `DISK_FULL`, `DISK_FAILED` */
  async write(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(text, (error) => (error ? reject(error) : resolve()));
    }).catch((cause: unknown) => {
      throw fileError(`cannot write ${this.#path}`, cause);
    });
  }

  /** Puts the file in its place. @throws RumeurError as `write` */
  async finish(): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.once('close', () => (this.#failure === undefined ? resolve() : reject(this.#failure)));
        this.#stream.end();
      });
      await rename(this.#temporary, this.#path);
    } catch (cause) {
      throw fileError(`cannot write ${this.#path}`, cause);
    }
  }

  /** Leaves nothing behind; what stood under the name stays. */
  async discard(): Promise<void> {
    this.#stream.destroy();
    await rm(this.#temporary, { force: true });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission',
  EISDIR: 'a folder, not a file',
  ENOSPC: 'the disk is full',
};

function fileError(what: string, cause: unknown): RumeurError {
  if (cause instanceof RumeurError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const kind = code === 'ENOSPC' ? 'DISK_FULL' : code === 'EIO' ? 'DISK_FAILED' : 'ARGUMENT_INVALID';
  return new RumeurError(kind, `${what}: ${REASONS[code] ?? message}`, { cause });
}
