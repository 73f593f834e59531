import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { eventually } from '../tools/eventually.js';
import { Cluster } from '../tools/peer-process.js';
import { freePorts } from '../tools/ports.js';

/** Processes whose wall clock is wrong from their start, by Debian's faketime. */
describe('a process whose clock is one hour off', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(() => cluster.stop());

  test.each(['+1h', '-1h'])(
    '%s: refuses writes, loses nothing, and is well again once the clock is',
    async (offset) => {
      const [p1 = 0, p2 = 0, p3 = 0] = await freePorts(3);
      const one = cluster.configure('one', { port: p1, peers: [p2, p3] });
      const two = cluster.configure('two', { port: p2, peers: [p1, p3] });
      const wrong = cluster.configure('wrong', { port: p3, peers: [p1, p2] });

      // Alone it cannot know better, and takes a write.
      wrong.env = wrongClock(offset);
      await wrong.start();
      await wrong.set('alone', 'written at a wrong time');
      await wrong.set('both', 'from the wrong clock');

      await Promise.all([one.start(), two.start()]);
      await wrong.connected(2);
      expect(await wrong.call('set', 'k', 1)).toMatchObject({ ok: false, error: { code: 'CLOCK_DRIFT' } });
      await one.set('both', 'from the right clock');
      await one.set('meanwhile', 'here');
      await eventually('two has it', async () => (await two.get('meanwhile')) === 'here');

      await wrong.kill('SIGTERM');
      wrong.env = {};
      await wrong.start();
      await eventually('it hears again', async () => (await wrong.get('meanwhile')) === 'here');
      await wrong.set('k', 2);
      await eventually('and is heard', async () => (await two.get('k')) === 2);
      expect(await wrong.get('alone')).toBe('written at a wrong time');
      if (offset === '-1h') {
        expect(await two.get('alone')).toBe('written at a wrong time');
        expect(await wrong.get('both')).toBe('from the right clock');
        await cluster.converged();
      } else {
        // An hour must pass before the others take what came from the future; until then they say so.
        await eventually('two says so', async () => {
          const heldUntil = (await two.status()).heldUntil?.['default'] ?? 0;
          return heldUntil > Date.now() + 3_000_000;
        });
        expect(await two.get('both')).toBe('from the right clock');
      }
    },
  );
});

/** What the faketime command gives to the process that it runs; the command itself would stand between us and that. */
function wrongClock(offset: string): NodeJS.ProcessEnv {
  const { stdout, error } = spawnSync('faketime', ['-f', offset, 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  });
  if (error) throw new Error(`faketime is missing (Debian: apt-get install faketime): ${error.message}`);
  return { LD_PRELOAD: stdout.trim(), FAKETIME: offset };
}
