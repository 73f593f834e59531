import { describe, expect, test } from '@jest/globals';
import { type Explained, explainedJson, explainedText } from '../../../cli/commands/explain.js';
import { statusText } from '../../../cli/commands/status.js';
import { duration } from '../../../cli/duration.js';
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
      hint: expect.stringContaining('write -- after the options'),
    });
    // The id of a peer from before ids were chosen with a command line in mind.
    const id = '-V1StGXR8_Z5jdHi6B-my';
    await expect(parse('removePeer', id)).rejects.toMatchObject({
      hint: expect.stringContaining('write -- after the options'),
    });
    expect((await parse('removePeer', '--', id)).args).toEqual([id]);
  });

  test('a last argument that may be repeated', async () => {
    expect((await parse('sadd', 'k', 'a', '-1', 'c', '--bucket', 'b')).args).toEqual(['k', 'a', '-1', 'c']);
    expect((await parse('incr', 'k', '-5')).args).toEqual(['k', '-5']);
    await expect(parse('sadd', 'k')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  test('too few, too many, and options without their value', async () => {
    for (const rest of [[], ['a', 'b']])
      await expect(parse('get', ...rest)).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(parse('get', 'a', '--bucket')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
    await expect(parse('start', '--url', 'x')).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' });
  });

  test('--bucket only where it means something', async () => {
    for (const name of ['getPeers', 'addPeer', 'removePeer', 'buckets', 'wait'] as const) {
      await expect(parse(name, '--bucket', 'b')).rejects.toMatchObject({
        message: `${name}: unknown option '--bucket'`,
      });
      expect(await helpText(name)).not.toContain('--bucket');
    }
    expect((await parse('status', '--bucket', 'b')).globals.bucket).toBe('b');
  });

  test('a misspelt option hears the nearest one', async () => {
    await expect(parse('wait', '--sync')).rejects.toMatchObject({
      message: "wait: unknown option '--sync'",
      hint: 'did you mean --synced? rumeur help wait shows how it goes',
    });
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
  const several = { id: 'w', bucket: 'b', key: 'k', value: '1', siblings: 3, dot: 'o.1', stamp: '00' };
  const member = { id: 'w', bucket: 'b', key: 'k', member: 'a\nb', added: true, dot: 'o.1', stamp: '00' };
  const change = { id: 'w', bucket: 'default', key: 'a"b', value: '1.10', dot: 'o.1', stamp: '00' };
  const deleted = { id: 'w', bucket: 'default', key: 'a"b', deleted: true, dot: 'o.1', stamp: '00' };

  test('as a line', () => {
    expect(changeLine(change)).toBe('set a"b 1.10');
    expect(changeLine(deleted)).toBe('delete a"b');
    expect(changeLine(several)).toBe('set k 1 (+2)');
    expect(changeLine(member)).toBe('add k "a\\nb"');
    expect(changeLine({ ...member, member: 'm', added: false })).toBe('remove k m');
  });

  test('as JSON, digit by digit', () => {
    expect(changeJson(change)).toBe(
      '{"bucket":"default","key":"a\\"b","value":1.10,"dot":"o.1","stamp":"00"}',
    );
    const about = { bucket: 'b', key: 'k', dot: 'o.1', stamp: '00' };
    expect(JSON.parse(changeJson(several))).toEqual({ ...about, value: 1, siblings: 3 });
    expect(JSON.parse(changeJson(member))).toEqual({ ...about, member: 'a\nb', added: true });
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
    disk: {
      state: 'full',
      code: 'DISK_FULL',
      message: 'no room',
      since: 940_000,
      fileBytes: 1_572_864,
      liveBytes: 1023,
      freeBytes: 28_672,
      damagedRows: 3,
    },
    buckets: {
      default: {
        policy: 'lww',
        keys: 1234,
        tombstones: 5,
        hash: 'ab',
        vector: {},
        heldBy: [
          { peer: 'you' as PeerId, name: 'two', since: 1_000_000 },
          { peer: 'her' as PeerId, name: 'three', since: 1_030_000 },
        ],
        damaged: 1,
        inSync: false,
      },
    },
    peers: [
      {
        id: 'you' as PeerId,
        url: null,
        name: 'two',
        state: 'connected',
        behind: 2,
        ahead: 0,
        buckets: { default: { behind: 2, ahead: 0, since: 1_055_000 } },
        refused: ['orders'],
        traffic: { pushesSent: 0, pushesReceived: 0, deltasSent: 0, deltasReceived: 0, rounds: 0 },
      },
    ],
    inSync: false,
    counters: {},
  };
  const text = statusText(status, 1_060_000);
  for (const part of [
    'not in sync, 1 of 1',
    'read-only for 2 min, DISK_FULL: no room',
    'disk 1.5 MiB, live 1023 bytes, free 28 KiB, 3 damaged rows',
    '1,234',
    '2 writes',
    'up 1 min 1 s',
    'you, bucket default: we lack 2 writes, since 5 s ago',
    'you, bucket orders: not replicated, its config gives it another policy',
    'bucket default: 5 deleted keys are remembered until two (you) has them, last heard of 1 min ago',
    'and until three (her) has them, last heard of 30 s ago',
    'bucket default: 1 write in damaged rows, awaited from other peers',
  ])
    expect(text).toContain(part);
  expect(statusText({ ...status, inSync: true, readOnly: false })).toMatch(/^in sync, 1 of 1/m);
  expect(statusText({ ...status, peers: [] })).toContain('alone');
  expect(text).not.toContain('redundancy');
  const counters = {
    pushesReceived: 1100,
    pushesDuplicate: 100,
    deltaEntriesReceived: 2000,
    hopsCounted: 1000,
    hops: 2500,
    hopsMost: 7,
    graftsSent: 3,
    prunesSent: 12,
    bytesReceived: 3 * 2 ** 20,
    newsBytesReceived: 2 ** 20,
    deltaBytesReceived: 512,
  };
  expect(statusText({ ...status, counters })).toContain(
    `received 1,000 writes by push and 2,000 by comparison; 100 needless copies, redundancy 0.10
2.5 hops on average, 7 at most
grafts: 3 sent, 0 received; prunes: 12 sent, 0 received
0 B sent; 3.0 MiB received, 1.0 MiB of which had to come
`,
  );
});

describe('an explanation', () => {
  const write = {
    dot: 'o.2',
    stamp: '0f',
    time: 0,
    origin: 'o',
    peer: { id: 'me' as PeerId, name: 'one' },
    came: { at: 1000, how: 'delta' as const, peer: { id: 'you' as PeerId, name: null } },
  };
  const explained: Explained = {
    bucket: 'default',
    key: 'k\n',
    policy: 'lww',
    writes: [{ value: '1.10', ...write }],
    replaced: [
      { preview: '"abc', bytes: 900, replacedAt: 2000, ...write, peer: null, came: null },
      { preview: null, bytes: 0, replacedAt: 1500, ...write },
    ],
    more: false,
  };

  test('for people', () => {
    const lines = explainedText(explained).split('\n');
    for (const line of [
      '"k\\n"  (bucket default, policy lww)',
      '1.10',
      '  written    1970-01-01T00:00:00.000Z by one (me)',
      '  came       1970-01-01T00:00:01.000Z in catching up, from you',
      '  dot        o.2',
      'replaced since this peer was started:',
      '"abc...',
      '  written    1970-01-01T00:00:00.000Z by a peer that nobody has named (origin o)',
      '  came       before this peer was started, or too long ago',
      '  replaced   1970-01-01T00:00:02.000Z',
      'deleted',
    ])
      expect(lines).toContain(line);
    const gone = { ...explained, writes: [], replaced: [] };
    expect(explainedText(gone)).toContain('nothing stands here');
    const set = { ...explained, writes: [{ member: 'm', deleted: true as const, ...write }], more: true };
    expect(explainedText(set)).toMatch(/^m: deleted\n[^]*\nand further members\n/m);
  });

  test('as JSON, digit by digit', () => {
    const json = explainedJson(explained);
    expect(json).toContain('"value":1.10,');
    const { writes, ...about } = explained;
    expect(JSON.parse(json)).toEqual({ ...about, writes: [{ ...writes[0], value: 1.1 }] });
  });
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
