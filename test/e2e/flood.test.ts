import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const CHILD = fileURLToPath(new URL('flood-child.mjs', import.meta.url));
const VALUE_BYTES = '100000';
const MS = '800';

interface Flooded {
  readonly written: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly mostBytes: number;
  readonly slowestMs: number;
}

test.each(['flushed', 'committed', 'memory'])(
  'a writer that never waits, with durability %s, is refused in time: memory is bounded and reads are answered',
  async (durability) => {
    const folder = mkdtempSync(join(tmpdir(), 'rumeur-flood-'));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [
        CHILD,
        folder,
        durability,
        VALUE_BYTES,
        MS,
      ]);
      const { written, codes, mostBytes, slowestMs } = JSON.parse(stdout) as Flooded;
      expect(written).toBeGreaterThan(0);
      expect(Object.keys(codes)).toEqual(['OVERLOADED']);
      // 20 MB may wait for the replica, 8 MiB for the disk; the rest is garbage that nobody had to collect yet.
      expect(mostBytes).toBeLessThan(200e6);
      // Far below what a busy machine makes of it: one that has to wait for all writes waits longer.
      expect(slowestMs).toBeLessThan(3000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
