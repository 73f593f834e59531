import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory of its own, so small that it is soon full. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string[] = [];

  private constructor(path: string) {
    this.path = path;
  }

  /** `undefined` where this process may not mount. */
  static mount(mebibytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'rumeur-disk-'));
    try {
      const options = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path];
      execFileSync('mount', options, { stdio: 'ignore' });
      return new SmallDisk(path);
    } catch {
      rmSync(path, { recursive: true });
      return undefined;
    }
  }

  /** Takes all room but so many bytes. */
  fill(leaving: number): void {
    const { bavail, bsize } = statfsSync(this.path);
    const file = join(this.path, `ballast-${this.#ballast.length}`);
    this.#ballast.push(file);
    writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leaving)));
  }

  /** Gives back what `fill` has taken. */
  release(): void {
    for (const file of this.#ballast.splice(0)) rmSync(file);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true });
  }
}
