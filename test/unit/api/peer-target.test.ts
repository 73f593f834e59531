import { describe, expect, test } from '@jest/globals';
import { isSamePlace, targetOf } from '../../../src/api/peer-target.js';
import type { PeerId } from '../../../src/base/ids.js';

const ID = 'self-0000000000000000' as PeerId;
const self = { id: ID, url: 'http://127.0.0.1:3001' };

describe('the peer that people name', () => {
  const known = ['http://127.0.0.1:3002', 'http://localhost:3003', 'http://shop.example:3002'];

  test.each([
    ['an id is itself', 'V1StGXR8_Z5jdHi6B-myT', 'V1StGXR8_Z5jdHi6B-myT'],
    ['a known url', 'http://shop.example:3002', 'http://shop.example:3002'],
    ['another name of this machine', 'localhost:3002', 'http://127.0.0.1:3002'],
    ['a bare port', '3003', 'http://localhost:3003'],
    ['IPv6', '[::1]:3002', 'http://127.0.0.1:3002'],
    ['another port is another peer', 'localhost:3004', 'http://localhost:3004'],
    ['a host of another name', 'store.example:3002', 'http://store.example:3002'],
    ['our own url', 'http://127.0.0.1:3001', ID],
    ['our own under another name', 'localhost:3001', ID],
  ])('%s', (_, given, expected) => {
    expect(targetOf(given, self, known)).toBe(expected);
  });

  test('who is known under the very url is meant, though another is near', () => {
    const two = ['http://127.0.0.1:3002', 'http://localhost:3002'];
    expect(targetOf('localhost:3002', self, two)).toBe('http://localhost:3002');
  });

  test('what is neither a url nor an id is refused', () => {
    expect(() => targetOf('nonsense', self, known)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    );
  });

  test('with TLS and without are two places', () => {
    expect(isSamePlace('https://localhost:1', 'http://127.0.0.1:1')).toBe(false);
  });
});
