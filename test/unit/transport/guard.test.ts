import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createGuard, MAX_HEADERS, type GuardOptions } from '../../../src/transport/guard.js';

const options: GuardOptions = {
  host: 'Box.lan',
  advertise: 'https://peer.example:8443',
  allowedHosts: ['other.example', 'ported.example:9000', 'dotted.example.'],
  allowedOrigins: [
    'https://app.example',
    'http://dev.example:5173/',
    'chrome-extension://AbCdEf',
    'null',
    '*',
  ],
};
const guard = createGuard(options);
/** A host with a port stands for a request to it; further fields follow. */
const ask = (host: string, ...more: string[]): boolean => guard(['Host', host, ...more]).ok;

describe('Host', () => {
  test.each([
    'localhost',
    'localhost:3001',
    'LOCALHOST:3001',
    'localhost.:3001',
    'a.b.localhost:3001',
    '127.0.0.1:3001',
    '127.9.9.9',
    '[::1]:3001',
    '[::1]',
    '192.168.1.20:3001',
    '[fe80::1]:3001',
    '[::ffff:10.0.0.1]:3001',
    'box.lan:3001',
    'BOX.LAN.',
    'peer.example:3001',
    'other.example',
    'OTHER.EXAMPLE.:1',
    'ported.example:3001',
    'dotted.example',
  ])('%s passes', (host) => {
    expect(guard(['Host', host])).toEqual({ ok: true });
  });

  test.each([
    'evil.example',
    'evil.example:3001',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    'other.example.evil.example',
    '2130706433',
    '0x7f000001',
    '127.1',
    '999.0.0.1',
    '',
    ' ',
    '.',
    ':3001',
    'localhost:',
    'localhost:port',
    'localhost:123456',
    'localhost:3001:3001',
    'localhost, evil.example',
    'evil.example@localhost',
    'localhost/evil.example',
    'localhost\u0000',
    'localhost\n',
    '::1',
    '[::1',
    '[evil.example]',
    '[127.0.0.1]',
    '*',
    'null',
  ])('%j is refused', (host) => {
    const words: unknown = expect.stringMatching(/./);
    expect(guard(['Host', host])).toEqual({ ok: false, status: 403, reason: words, hint: words });
  });

  test('missing or duplicate is refused, also when equal or in another case', () => {
    expect(guard([]).ok).toBe(false);
    expect(guard(['Origin', 'http://localhost:3001']).ok).toBe(false);
    expect(guard(['Host', 'localhost', 'Host', 'localhost']).ok).toBe(false);
    expect(guard(['host', 'localhost', 'HOST', 'evil.example']).ok).toBe(false);
  });

  test('with nothing configured, names of others are refused', () => {
    const plain = createGuard({ host: '0.0.0.0' });
    expect(plain(['Host', 'localhost:1']).ok).toBe(true);
    expect(plain(['Host', '0.0.0.0:1']).ok).toBe(true);
    expect(plain(['Host', 'box.lan']).ok).toBe(false);
  });
});

describe('Origin', () => {
  test.each([
    ['localhost:3001', 'http://localhost:3001'],
    ['localhost:3001', 'HTTP://LOCALHOST:3001'],
    ['127.0.0.1', 'http://127.0.0.1'],
    ['127.0.0.1:80', 'http://127.0.0.1'],
    ['[::1]:3001', 'http://[::1]:3001'],
    ['localhost:3001', 'https://peer.example:8443'],
    ['peer.example:8443', 'https://peer.example:8443'],
    ['localhost:3001', 'https://app.example'],
    ['localhost:3001', 'https://app.example:443'],
    ['localhost:3001', 'http://dev.example:5173'],
    ['localhost:3001', 'chrome-extension://abcdef'],
  ])('to %s from %s passes', (host, origin) => {
    expect(ask(host, 'Origin', origin)).toBe(true);
  });

  test.each([
    ['localhost:3001', 'null'],
    ['localhost:3001', 'NULL'],
    ['localhost:3001', '*'],
    ['localhost:3001', ''],
    ['localhost:3001', 'http://localhost:3002'],
    ['localhost:3001', 'https://localhost:3001'],
    ['localhost:3001', 'http://127.0.0.1:3001'],
    ['localhost:3001', 'http://localhost'],
    ['localhost:3001', 'http://evil.example'],
    ['localhost:3001', 'http://app.example'],
    ['localhost:3001', 'https://app.example.evil.example'],
    ['localhost:3001', 'https://app.example@evil.example'],
    ['localhost:3001', 'http://localhost:3001/page'],
    ['localhost:3001', 'http://localhost:3001, http://evil.example'],
    ['localhost:3001', 'localhost:3001'],
    ['localhost:3001', 'file://'],
    ['localhost:3001', 'chrome-extension://other'],
  ])('to %s from %j is refused', (host, origin) => {
    expect(ask(host, 'Origin', origin)).toBe(false);
  });

  test('duplicate is refused, also when both would pass', () => {
    const origin = ['Origin', 'http://localhost:3001'];
    expect(ask('localhost:3001', ...origin, ...origin)).toBe(false);
  });

  test('an allowed Origin does not help a foreign Host', () => {
    expect(ask('evil.example', 'Origin', 'https://app.example')).toBe(false);
    expect(ask('evil.example', 'Origin', 'http://evil.example')).toBe(false);
  });
});

describe('requests of browsers without Origin', () => {
  const from = (site: string, ...more: string[]): boolean =>
    ask('localhost:3001', 'Sec-Fetch-Site', site, ...more);

  test('our own pages and typed addresses pass; pages of others do not', () => {
    expect(from('same-origin')).toBe(true);
    expect(from('none')).toBe(true);
    expect(from('same-site')).toBe(false);
    expect(from('cross-site')).toBe(false);
    expect(from('cross-site', 'Sec-Fetch-Mode', 'no-cors', 'Sec-Fetch-Dest', 'script')).toBe(false);
    expect(from('something-new')).toBe(false);
    expect(from('none', 'Sec-Fetch-Site', 'cross-site')).toBe(false);
  });

  test('following a link passes, a frame does not', () => {
    expect(from('cross-site', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document')).toBe(true);
    expect(from('cross-site', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'iframe')).toBe(false);
  });

  test('a script tag on a page of an allowed origin passes by its Referer', () => {
    expect(from('cross-site', 'Referer', 'https://app.example/some/page')).toBe(true);
    expect(from('cross-site', 'Referer', 'https://evil.example/https://app.example')).toBe(false);
    expect(from('cross-site', 'Referer', 'about:blank')).toBe(false);
    expect(from('cross-site', 'Referer', 'nonsense')).toBe(false);
  });
});

test('too many header fields are refused, since more could hide behind them', () => {
  const filler = (count: number): string[] => Array.from({ length: count }, (_, i) => [`x-${i}`, '1']).flat();
  expect(guard(['Host', 'localhost', ...filler(MAX_HEADERS - 1)]).ok).toBe(true);
  expect(guard(['Host', 'localhost', ...filler(MAX_HEADERS)]).ok).toBe(false);
});

test('whatever the headers hold, the guard answers, and passes no unknown origin', () => {
  const name = fc.constantFrom('Host', 'Origin', 'Sec-Fetch-Site', 'Referer', 'X');
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.domain(), fc.constant('localhost'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (headers) => {
      const origins = headers.filter(([key]) => key === 'Origin');
      const verdict = guard(headers.flat());
      const known = new Set(['https://app.example', 'http://localhost', 'https://peer.example:8443']);
      if (
        origins.some(
          ([, origin]) => !known.has(origin) && !headers.some(([k, v]) => k === 'Host' && origin.includes(v)),
        )
      ) {
        expect(verdict.ok).toBe(false);
      }
    }),
  );
});
