import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareUtf8 } from '../../src/base/bytes.js';
import { cli, Cluster, type PeerProcess } from '../tools/peer-process.js';

/** Names that trip programs up. All of them are good keys, and good members of values. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'then',
  'toJSON',
  'length',
  '0',
  '-1',
  ' ',
  '\t\n\r',
  '\u007f\u0080\u009f',
  '\u2028\u2029',
  '\ufeff',
  '\ufffd\ufffe\uffff',
  '\u202eltr',
  'e\u0301',
  'é',
  '𝄞',
  '\u{10ffff}',
  '👩‍👩‍👧‍👦',
  'quo\'te"s\\',
  '$(exit 1)`',
  'k'.repeat(1024),
  '𝄞'.repeat(256),
];
/** Impossible as an argument of a process. */
const WITH_NUL = ['\u0000', 'a\u0000b'];
const KEYS = [...NAMES, ...WITH_NUL];

/** Texts of values that must come back to the last digit. */
const TEXTS = [
  ...NAMES.map((name) => JSON.stringify({ [name]: [name], nested: { [name]: { [name]: null } } })),
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '"\\ud800"',
  '{"\\udfff":"\\ud83d\\ud83d"}',
  '1.10',
  '123456789012345678901234567890',
  '1e400',
  '-0',
  '[0.1,1E5,1e-7]',
  '{"b":1,"a":2,"10":3,"9":4}',
  `${'['.repeat(256)}${']'.repeat(256)}`,
  '""',
  'null',
];

/** The text that belongs under a key: each key and each text at least once. */
const ROWS = Array.from(
  { length: Math.max(KEYS.length, TEXTS.length) },
  (_, i) => [KEYS[i] ?? `more ${i}`, TEXTS[i % TEXTS.length] ?? ''] as const,
);

describe('hard names and values come back exactly', () => {
  let cluster: Cluster;
  let one: PeerProcess;
  let two: PeerProcess;

  beforeAll(async () => {
    cluster = new Cluster();
    one = await cluster.start('one', { port: 0 });
    two = await cluster.start('two', { port: 0, peers: [one.url] });
    await two.connected(1);
  });
  afterAll(() => cluster.stop());

  async function expectAll(peer: PeerProcess): Promise<void> {
    for (const [key, text] of ROWS)
      expect([key, await peer.value('get', key, { raw: true })]).toEqual([key, text]);
    const keys = (await peer.value('keys')) as string[];
    expect(keys).toEqual(ROWS.map(([key]) => key).sort(compareUtf8));
  }

  test('over events, after replication, and after a restart', async () => {
    for (const [key, text] of ROWS) await one.value('set', key, text, { raw: true });
    await cluster.converged();
    await expectAll(one);
    await expectAll(two);
    const { hash } = (await two.status()).buckets['default'] ?? {};
    await two.kill('SIGKILL');
    await two.start();
    await expectAll(two);
    expect((await two.status()).buckets['default']?.hash).toBe(hash);
  });

  test('as values of events, parsed', async () => {
    for (const [key, text] of ROWS) {
      const value = await two.get(key);
      expect([key, JSON.stringify(value)]).toEqual([key, JSON.stringify(JSON.parse(text))]);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('over export and import', async () => {
    const exported = await cli(['--url', two.url, 'export', '-']);
    expect(exported.code).toBe(0);
    const expected = [...ROWS].sort(([a], [b]) => compareUtf8(a, b)).map(([key, text]) => ({ key, text }));
    const lines = exported.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(expected.length);
    for (const [i, { key, text }] of expected.entries()) {
      expect((JSON.parse(lines[i] ?? '') as { key: string }).key).toBe(key);
      expect(lines[i]).toContain(text);
    }
    const other = await cluster.start('other', { port: 0, cluster: 'elsewhere' });
    const imported = await cli(['--url', other.url, 'import', '-'], { input: exported.stdout });
    expect(imported.code).toBe(0);
    await expectAll(other);
    expect((await other.status()).buckets['default']?.hash).toMatch(/^[0-9a-f]{32}$/);
    await other.kill('SIGTERM');
  });

  test('over set and get of the command line', async () => {
    for (const key of ['__proto__', '𝄞', 'quo\'te"s\\', '\ufeff']) {
      const text = JSON.stringify({ ['__proto__']: [key], big: 1 }).replace('1}', '12345678901234567890.10}');
      expect(await cli(['--url', one.url, 'set', '--json-value', '--', key, text])).toMatchObject({
        code: 0,
      });
      const got = await cli(['--url', one.url, 'get', '--', key]);
      expect([key, got.stdout]).toEqual([key, `${text}\n`]);
    }
    const path = join(cluster.folder, 'value.txt');
    const text = 'a\r\n\ttext 𝄞 \u0000 __proto__';
    writeFileSync(path, text);
    await cli(['--url', one.url, 'set', 'from a file', '--string', '--file', path]);
    expect(await one.get('from a file')).toBe(text);
  });

  test('a bad line of an import is named, and the rest goes on', async () => {
    const input = [
      '{"key":"good 1","value":1}',
      '{"key":"","value":1}',
      '{"key":"\\ud800","value":1}',
      `{"key":"${'k'.repeat(1025)}","value":1}`,
      `{"key":"deep","value":${'['.repeat(5000)}${']'.repeat(5000)}}`,
      `{"key":"large","value":"${'x'.repeat(2 ** 20)}"}`,
      '{"key":"no value"}',
      '{"value":"no key"}',
      'no json',
      '[]',
      '{"key":"good 2","value":{"__proto__":2}}',
    ].join('\n');
    const { code, stderr } = await cli(['--url', one.url, 'import', '-'], { input });
    expect(code).toBe(4);
    for (let line = 2; line <= 10; line++) expect(stderr).toMatch(new RegExp(`line ${line}\\b`));
    expect(await one.get('good 1')).toBe(1);
    expect(await one.value('get', 'good 2', { raw: true })).toBe('{"__proto__":2}');
    for (const key of ['deep', 'large', 'no value'])
      expect(await one.call('get', key)).toMatchObject({ found: false });
  });

  test('bad keys and values have their error and exit code on the command line', async () => {
    const cases: [number, string, ...string[]][] = [
      [2, 'KEY_EMPTY', 'get', ''],
      [4, 'KEY_TOO_LONG', 'get', 'k'.repeat(1025)],
      [2, 'VALUE_INVALID', 'set', 'deep', '--json-value', `${'['.repeat(5000)}${']'.repeat(5000)}`],
      [2, 'VALUE_INVALID', 'set', 'k', '--json-value', '{no json'],
      [2, 'BUCKET_UNKNOWN', 'get', 'k', '--bucket', 'nowhere'],
    ];
    for (const [code, name, ...args] of cases) {
      const result = await cli(['--url', one.url, ...args]);
      expect([args[0], result.code, result.stdout]).toEqual([args[0], code, '']);
      expect(result.stderr).toContain(name);
    }
    expect(await one.call('get', 'deep')).toMatchObject({ found: false });
  });
});
