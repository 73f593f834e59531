import { describe, expect, test } from '@jest/globals';

import { RumeurError } from '../../../src/base/errors.js';
import { parsePeerUrl } from '../../../src/base/url.js';

describe('parsePeerUrl', () => {
  test.each<[string | number, string]>([
    [3004, 'http://127.0.0.1:3004'],
    ['3004', 'http://127.0.0.1:3004'],
    [' 3004 ', 'http://127.0.0.1:3004'],
    ['localhost:3002', 'http://localhost:3002'],
    ['LocalHost:03002/', 'http://localhost:3002'],
    ['http://127.0.0.1:3003', 'http://127.0.0.1:3003'],
    ['HTTP://Shop.Example:3003//', 'http://shop.example:3003'],
    ['http://shop.example', 'http://shop.example:80'],
    ['https://x.example/', 'https://x.example:443'],
    ['https://x.example:80', 'https://x.example:80'],
    ['[::1]:3001', 'http://[::1]:3001'],
    ['http://[0:0:0:0:0:0:0:1]', 'http://[::1]:80'],
    ['münchen.example:1', 'http://xn--mnchen-3ya.example:1'],
    ['127.1:65535', 'http://127.0.0.1:65535'],
  ])('%p is %p, and that is canonical', (input, url) => {
    expect(parsePeerUrl(input)).toBe(url);
    expect(parsePeerUrl(url)).toBe(url);
  });

  test.each<[string | number, RegExp]>([
    ['', /nothing in it/],
    ['   ', /nothing in it/],
    [0, /port/],
    [65_536, /port/],
    [-1, /port/],
    [1.5, /port/],
    [Number.NaN, /port/],
    ['0', /port/],
    ['99999999999999999999', /port/],
    ['localhost', /no port/],
    ['[::1]', /no port/],
    ['localhost:', /port/],
    ['http://localhost:', /port/],
    ['localhost:0', /port/],
    ['localhost:65536', /port/],
    ['localhost:30a2', /port/],
    ['localhost:+302', /port/],
    [':3001', /host name/],
    ['::1', /colon/],
    ['::1:3001', /colon/],
    ['[::1:3001', /host name|port/],
    ['http://', /port/],
    ['//localhost:3001', /path or no host/],
    ['http:///localhost:3001', /path or no host/],
    ['localhost:3001/rumeur', /path/],
    ['http://localhost:3001/a/', /path/],
    ['http://localhost:3001?a=1', /query/],
    ['http://localhost:3001/?', /query/],
    ['http://localhost:3001#x', /fragment/],
    ['http://me:secret@localhost:3001', /user name/],
    ['me@localhost:3001', /user name/],
    ['ws://localhost:3001', /ws:/],
    ['file:///etc/passwd', /path|scheme/],
    ['ftp://localhost:3001', /scheme/],
    ['local host:3001', /white space/],
    ['local\thost:3001', /white space/],
    ['localhost\\x:3001', /backslash/],
    ['a<b:3001', /host name/],
    [`${'a'.repeat(400)}:3001`, /longer/],
  ])('%p is refused with a reason and a hint', (input, reason) => {
    const attempt = (): string => parsePeerUrl(input);
    expect(attempt).toThrow(RumeurError);
    let thrown: unknown;
    try {
      attempt();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ARGUMENT_INVALID', hint: expect.stringMatching(/./) as unknown });
    expect(attempt).toThrow(reason);
  });
});
