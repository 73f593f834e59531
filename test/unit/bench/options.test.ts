import { describe, expect, test } from '@jest/globals';
import { parseOptions } from '../../../bench/options.js';

describe('the options of the bench', () => {
  test('by default three rounds of the full sizes of everything', () => {
    const { rounds, sizes, only, json } = parseOptions([]);
    expect({ rounds, only, json }).toEqual({ rounds: 3, only: [], json: false });
    expect(sizes).toMatchObject({ writes: 50_000, keys: 100_000, missed: 1000 });
  });

  test('--quick is smaller in everything', () => {
    const full = parseOptions([]);
    const quick = parseOptions(['--quick']);
    expect(quick.rounds).toBeLessThan(full.rounds);
    for (const [name, size] of Object.entries(quick.sizes)) {
      expect(size).toBeLessThan(full.sizes[name as keyof typeof full.sizes]);
    }
  });

  test('--keys scales what depends on it, --rounds and --only are taken', () => {
    const { sizes, rounds, only } = parseOptions([
      '--keys',
      '300',
      '--rounds',
      '5',
      '--only',
      'write,latency',
    ]);
    expect(sizes).toMatchObject({ writes: 300, keys: 300, missed: 3, latencies: 300 });
    expect(rounds).toBe(5);
    expect(only).toEqual(['write', 'latency']);
  });

  test.each([[['--rounds', '0']], [['--keys', 'many']], [['--keys', '1.5']], [['--fast']], [['write']]])(
    'refuses %j',
    (argv) => {
      expect(() => parseOptions(argv)).toThrow();
    },
  );
});
