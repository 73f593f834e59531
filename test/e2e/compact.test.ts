import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Cluster } from '../tools/peer-process.js';

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.stop());

test('compact gives the room of a stopped peer back, and leaves all that stands in it', async () => {
  const peer = await cluster.start('one', { port: 0 });
  const rows = Array.from({ length: 100 }, (_, i) => [`k${i}`, 'x'.repeat(20_000)]);
  await peer.value('setMany', rows);
  await peer.value(
    'setMany',
    rows.map(([key]) => [key, 'small']),
  );
  const { id, disk } = await peer.status();
  expect(disk).toMatchObject({ state: 'ok', damagedRows: 0 });
  expect(disk?.freeBytes).toBeGreaterThan(1_000_000);
  expect(await peer.cli('compact')).toMatchObject({ code: 4, stderr: expect.stringContaining('IN_USE') });
  await peer.kill('SIGTERM');
  const { code, stdout } = await peer.cli('compact', '--json');
  expect(code).toBe(0);
  const { before, after } = JSON.parse(stdout) as Record<string, { fileBytes: number }>;
  expect(before?.fileBytes).toBeGreaterThan(2_000_000);
  expect(after?.fileBytes).toBeLessThan(500_000);
  expect((await peer.cli('compact')).stdout).toMatch(/^OK \d.* KiB before, .* KiB now\n$/);
  await peer.start();
  expect(peer.id).toBe(id);
  expect(await peer.get('k99')).toBe('small');
  expect(await peer.value('keys')).toHaveLength(100);
});
