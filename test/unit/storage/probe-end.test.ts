import { describe, expect, test } from '@jest/globals';
import { probeEnd } from '../../../src/storage/disk/probe.js';

describe('the end of a probe', () => {
  test('by a signal while the store is read counts against the store', () => {
    expect(probeEnd(null, 'SIGBUS', { text: '', hasBegun: true }).kind).toBe('unusable');
    expect(probeEnd(null, 'SIGSEGV', { text: 'a word of its own', hasBegun: true }).kind).toBe('unusable');
  });

  test('says nothing of a store that it had not begun to read', () => {
    expect(probeEnd(null, 'SIGTRAP', { text: '', hasBegun: false }).kind).toBe('failed');
    expect(probeEnd(null, 'SIGSEGV', { text: '', hasBegun: false }).kind).toBe('failed');
  });

  test('says nothing of the store where memory was short', () => {
    const text = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
    expect(probeEnd(null, 'SIGABRT', { text, hasBegun: true }).kind).toBe('failed');
  });

  test('by somebody else says nothing of the store', () => {
    expect(probeEnd(null, 'SIGKILL', { text: '', hasBegun: true }).kind).toBe('failed');
  });
});
