import { describe, expect, test } from '@jest/globals';
import { duration, statusText } from '../../../cli/commands/status.js';
import { changeJson, changeLine } from '../../../cli/commands/watch.js';
import { logLine } from '../../../cli/local-cluster.js';
import { helpText, parseCommand } from '../../../cli/program.js';
import { COMMANDS, commandEntries } from '../../../cli/registry.js';
import { shownSeconds } from '../../../cli/transfer/progress.js';
import { formatOf } from '../../../cli/transfer/files.js';
import type { PeerId } from '../../../src/base/ids.js';
import type { Status } from '../../../src/api/service.js';

describe('help', () => {
  test('lists every command with its aliases', async () => {
    const help = await helpText(undefined);
    for (const [name, { aliases, summary }] of commandEntries()) {
      expect(help).toContain([name, ...aliases].join('|'));
      expect(help).toContain(summary);
    }
    expect(help).toContain('Usage: rumeur <config> <command> [arguments]');
  });

  test('of every command has its arguments and examples that its parser takes', async () => {
    for (const [name, { load }] of commandEntries()) {
      const help = await helpText(name);
      const { command } = await load();
      for (const [argument] of command.usage.arguments) expect(help).toContain(argument);
      for (const example of command.usage.examples) expect(help).toContain(`  rumeur ${example}`);
    }
  });
});

describe('the arguments of a command', () => {
  const parse = async (name: keyof typeof COMMANDS, ...rest: string[]) =>
    parseCommand(name, (await COMMANDS[name].load()).command, rest);

  test.each(['-5', '-1.5', '-1e3', '-', ''])('set takes the value %j', async (value) => {
    expect((await parse('set', 'k', value)).args).toEqual(['k', value]);
  });

  test('-- comes before what begins with a dash', async () => {
    expect((await parse('set', '--json', '--', '-k', '--json')).args).toEqual(['-k', '--json']);
    await expect(parse('set', 'k', '-v')).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
      message: "set: unknown option '-v'",
      hint: expect.stringContaining('write -- before'),
    });
    // The id of a peer from before ids were chosen with a command line in mind.
    const id = '-V1StGXR8_Z5jdHi6B-my';
    await expect(parse('removePeer', id)).rejects.toMatchObject({
      hint: expect.stringContaining('write -- before'),
    });
    expect((await parse('removePeer', '--', id)).args).toEqual([id]);
  });

  test('too few, too many, and options without their value', async () => {
    for (const rest of [[], ['a', 'b']])
      await expect(parse('get', ...rest)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(parse('get', 'a', '--bucket')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(parse('start', '--url', 'x')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  test('the global options', async () => {
    expect((await parse('get', 'k', '--timeout', '50', '--json', '--bucket', 'b')).globals).toEqual({
      json: true,
      bucket: 'b',
      timeoutMs: 50,
      url: undefined,
    });
    for (const timeout of ['0', 'x', '1.5', '-5', '']) {
      await expect(parse('get', 'k', '--timeout', timeout)).rejects.toMatchObject({
        code: 'ARGUMENT_INVALID',
      });
    }
  });
});

describe('a change', () => {
  const change = { id: 'w', bucket: 'default', key: 'a"b', value: '1.10', dot: 'o.1', stamp: '00' };
  const deleted = { id: 'w', bucket: 'default', key: 'a"b', deleted: true, dot: 'o.1', stamp: '00' };

  test('as a line', () => {
    expect(changeLine(change)).toBe('set a"b 1.10');
    expect(changeLine(deleted)).toBe('delete a"b');
  });

  test('as JSON, digit by digit', () => {
    expect(changeJson(change)).toBe(
      '{"bucket":"default","key":"a\\"b","value":1.10,"dot":"o.1","stamp":"00"}',
    );
    expect(JSON.parse(changeJson(deleted))).toEqual({
      bucket: 'default',
      key: 'a"b',
      deleted: true,
      dot: 'o.1',
      stamp: '00',
    });
  });
});

test('a status for people', () => {
  const status: Status = {
    id: 'me' as PeerId,
    name: 'one',
    url: 'http://127.0.0.1:1',
    version: '1',
    cluster: 'c',
    uptimeMs: 61_000,
    storage: 'lmdb',
    durability: 'flushed',
    readOnly: true,
    buckets: { default: { keys: 1234, hash: 'ab', vector: {}, inSync: false } },
    peers: [
      {
        id: 'you' as PeerId,
        url: null,
        state: 'connected',
        behind: 2,
        ahead: 0,
        traffic: { pushesSent: 0, pushesReceived: 0, deltasSent: 0, deltasReceived: 0, rounds: 0 },
      },
    ],
    inSync: false,
    counters: {},
  };
  const text = statusText(status);
  for (const part of ['not in sync, 1 of 1', 'read-only', '1,234', '2 writes', 'up 1 min 1 s'])
    expect(text).toContain(part);
  expect(statusText({ ...status, inSync: true, readOnly: false })).toMatch(/^in sync, 1 of 1/m);
  expect(statusText({ ...status, peers: [] })).toContain('alone');
});

test('times', () => {
  expect([0, 999, 1000, 61_000, 3_600_000, 90_061_000].map(duration)).toEqual([
    '0 s',
    '0 s',
    '1 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
  ]);
  expect([0.2, 59, 61, 3700].map(shownSeconds)).toEqual(['1 s', '59 s', '1 min 1 s', '1 h 1 min']);
});

test('the format of a file', () => {
  expect(formatOf('-', undefined)).toBe('ndjson');
  expect(['a.ndjson', 'a.JSONL', 'a.json'].map((file) => formatOf(file, undefined))).toEqual([
    'ndjson',
    'ndjson',
    'json',
  ]);
  expect(formatOf('a.json', 'ndjson')).toBe('ndjson');
  expect(() => formatOf('a.csv', undefined)).toThrow(/does not tell/);
  expect(() => formatOf('a.json', 'csv')).toThrow(/unknown format/);
});

test('log lines of several peers in one terminal', () => {
  expect(logLine('{"level":30,"time":1,"name":"a","msg":"hello"}')).toBe('hello');
  expect(logLine('{"level":50,"msg":"bad"}')).toContain('bad');
  for (const other of ['plain', '{"a":1}', '5', 'null']) expect(logLine(other)).toBe(other);
});
