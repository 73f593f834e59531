import { describe, expect, test } from '@jest/globals';
import { minutesOf, parseOptions } from '../../e2e/cluster/options.js';

const refusal = (...argv: string[]): string => {
  const options = parseOptions(argv);
  return 'text' in options ? options.text : '';
};

describe('the options of npm run cluster', () => {
  test('are refused by name', () => {
    expect(refusal('--peers', 'abc')).toContain('--peers takes a whole number from 4 to 50, not "abc"');
    expect(refusal('--kill-every', '1.5')).toContain('--kill-every takes a whole number, not "1.5"');
    expect(refusal('--peers', '1')).toContain('--peers takes a whole number from 4 to 50, not "1"');
    expect(refusal('--storage', 'disk')).toContain('--storage takes lmdb or memory, not "disk"');
    expect(refusal('--phases', 'calm,wild')).toContain('--phases: no phase is named "wild"');
  });

  test('say how long it will take', () => {
    expect(refusal('--help')).toContain('about 8 minutes');
    const options = parseOptions(['--peers', '4', '--phases', 'calm', '--calm', '40']);
    expect('text' in options ? 0 : minutesOf(options)).toBe(2);
  });
});
