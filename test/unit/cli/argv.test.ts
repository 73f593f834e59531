import { describe, expect, test } from '@jest/globals';
import { parseArgv } from '../../../cli/argv.js';
import { nearestCommand } from '../../../cli/suggest.js';

const parse = (line: string, url?: string) => parseArgv(line === '' ? [] : line.split(' '), url);
const run = (config: string | undefined, command: string, ...rest: string[]) => ({
  kind: 'run',
  config,
  command,
  rest,
});

describe('config and command', () => {
  test('the config comes first', () => {
    expect(parse('config1 get k')).toEqual(run('config1', 'get', 'k'));
    expect(parse('config1 set k -5')).toEqual(run('config1', 'set', 'k', '-5'));
  });

  test('options may stand anywhere and stay for the command', () => {
    expect(parse('--json config1 --bucket b get k --timeout 5')).toEqual(
      run('config1', 'get', '--json', '--bucket', 'b', 'k', '--timeout', '5'),
    );
    expect(parse('--bucket=get config1 get k')).toEqual(run('config1', 'get', '--bucket=get', 'k'));
  });

  test('aliases', () => {
    const names = {
      put: 'set',
      del: 'delete',
      rm: 'delete',
      ls: 'keys',
      members: 'getPeers',
      join: 'addPeer',
    };
    for (const [alias, command] of Object.entries(names))
      expect(parse(`c ${alias}`)).toEqual(run('c', command));
  });

  test('what follows -- is no option', () => {
    expect(parse('c set -- -x --help')).toEqual(run('c', 'set', '--', '-x', '--help'));
    expect(parse('c set -- --url x')).toEqual(run('c', 'set', '--', '--url', 'x'));
  });

  test('a key or value that is also a command', () => {
    expect(parse('c set get set')).toEqual(run('c', 'set', 'get', 'set'));
    expect(parse('c get help')).toEqual(run('c', 'get', 'help'));
    expect(parse('--url 3001 set get set')).toEqual(run(undefined, 'set', '--url', '3001', 'get', 'set'));
  });

  test('a config named like a command', () => {
    expect(parse('status get k')).toEqual(run('status', 'get', 'k'));
  });
});

describe('without a config', () => {
  test('--url or the environment names the peer', () => {
    expect(parse('--url 3001 get k')).toEqual(run(undefined, 'get', '--url', '3001', 'k'));
    expect(parse('get k --url=3001')).toEqual(run(undefined, 'get', 'k', '--url=3001'));
    expect(parse('get k', '3001')).toEqual(run(undefined, 'get', 'k'));
    expect(parse('config1 get k', '3001')).toEqual(run('config1', 'get', 'k'));
  });

  test('else it is missing, which is said with an example', () => {
    expect(() => parse('get k')).toThrow(
      expect.objectContaining({
        code: 'ARGUMENT_INVALID',
        hint: expect.stringContaining('rumeur config1 get'),
      }),
    );
    expect(() => parse('start', '3001')).toThrow(
      expect.objectContaining({ message: expect.stringContaining('start') }),
    );
  });

  test('not both', () => {
    expect(() => parse('config1 get k --url 3001')).toThrow(/both a config \(config1\) and --url/);
  });

  test('not for a command that is about no peer', () => {
    expect(parse('simulate --peers 3')).toEqual(run(undefined, 'simulate', '--peers', '3'));
    expect(() => parse('nonexist simulate --peers 3')).toThrow(
      expect.objectContaining({
        code: 'ARGUMENT_INVALID',
        message: 'simulate is about no peer, and takes no config ("nonexist")',
        hint: 'rumeur simulate --peers 3',
      }),
    );
    expect(parse('config1 simulate --help')).toEqual({ kind: 'help', command: 'simulate' });
  });
});

describe('help, version and mistakes', () => {
  test.each([
    ['', { kind: 'usage' }],
    ['--json', { kind: 'usage' }],
    ['--help', { kind: 'help', command: undefined }],
    ['-h', { kind: 'help', command: undefined }],
    ['help', { kind: 'help', command: undefined }],
    ['help put', { kind: 'help', command: 'set' }],
    ['set --help', { kind: 'help', command: 'set' }],
    ['config1 set --help', { kind: 'help', command: 'set' }],
    ['config1 help set', { kind: 'help', command: 'set' }],
    ['config1 --help', { kind: 'help', command: undefined }],
    ['--version', { kind: 'version' }],
    ['-V', { kind: 'version' }],
    ['config1 strat', { kind: 'unknown', word: 'strat' }],
    ['help strat', { kind: 'unknown', word: 'strat' }],
    ['config1', { kind: 'incomplete', word: 'config1' }],
  ])('%j', (line, expected) => {
    expect(parse(line)).toEqual(expected);
  });

  test.each([
    ['strat', 'start'],
    ['SET', 'set'],
    ['getpeers', 'getPeers'],
    ['peers', 'getPeers'],
    ['add', 'addPeer'],
    ['delet', 'delete'],
    ['exprot', 'export'],
    ['hepl', 'help'],
    ['frobnicate', undefined],
    ['', undefined],
  ])('the command nearest to %j is %s', (word, expected) => {
    expect(nearestCommand(word)).toBe(expected);
  });
});
