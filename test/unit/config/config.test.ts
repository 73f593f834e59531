import { describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../src/base/errors.js';
import { BUCKET_POLICIES } from '../../../src/config/schema.js';
import { parseConfig } from '../../../src/config/config.js';
import { isBucketName } from '../../../src/base/ids.js';
import { POLICIES } from '../../../src/data/policy.js';
import { MAX_ADDRESSES, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../../../src/protocol/limits.js';

function problemWith(input: unknown): RumeurError {
  try {
    parseConfig(input, 'c.json');
  } catch (thrown) {
    if (thrown instanceof RumeurError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted ${JSON.stringify(input)}`);
}

describe('defaults', () => {
  test('a port is enough', () => {
    expect(parseConfig({ port: 3001 })).toEqual({
      name: 'peer-3001',
      port: 3001,
      host: '127.0.0.1',
      advertise: undefined,
      peers: [],
      allowedHosts: [],
      allowedOrigins: [],
      insecure: false,
      dataDir: '.rumeur/peer-3001',
      storage: 'lmdb',
      durability: 'flushed',
      cluster: 'rumeur',
      buckets: { default: { policy: 'lww' } },
      gossip: {
        discovery: true,
        meshPeers: 50,
        degree: 8,
        antiEntropyMs: [1000, 15000],
        maxClockDriftMs: 60000,
        pingMs: 5000,
        pingTimeoutMs: 15000,
        lazyMs: 100,
        dialBackoffMs: [200, 15000],
        dialTimeoutMs: 5000,
        announceMs: 5000,
        evictAfterMs: 604_800_000,
        auditMs: 10_000,
      },
      limits: {
        keyBytes: 1024,
        valueBytes: 1048576,
        valueDepth: 256,
        links: 64,
        clients: 1000,
        watchesPerClient: 1000,
        addresses: 512,
        pendingWrites: 10000,
        siblings: 64,
        deltaChunkBytes: 131072,
      },
      log: { level: 'info', format: undefined },
    });
  });

  test('the three forms of a peer become canonical URLs, each once', () => {
    const { peers } = parseConfig({
      port: 1,
      peers: ['localhost:3002', 'http://127.0.0.1:3003', 3004, '3003'],
    });
    expect(peers).toEqual(['http://localhost:3002', 'http://127.0.0.1:3003', 'http://127.0.0.1:3004']);
  });

  test('one field of a section leaves the defaults of the others', () => {
    const config = parseConfig({ port: 1, gossip: { discovery: false }, limits: { links: 2 }, log: {} });
    expect(config.gossip).toMatchObject({ discovery: false, pingMs: 5000 });
    expect(config.limits).toMatchObject({ links: 2, clients: 1000 });
  });

  test('memory storage goes with memory durability, and the bucket "default" always exists', () => {
    const config = parseConfig({ port: 1, storage: 'memory', buckets: { stock: {} } });
    expect(config.durability).toBe('memory');
    expect(config.buckets).toEqual({ default: { policy: 'lww' }, stock: { policy: 'lww' } });
  });

  test('the name: from the config, else from the file, else from the port', () => {
    expect(parseConfig({ port: 5, name: 'a' }, 'x', 'file').dataDir).toBe('.rumeur/a');
    expect(parseConfig({ port: 5 }, 'x', 'file').name).toBe('file');
    expect(parseConfig({ port: 0 }).name).toBe('peer');
  });

  test('$schema is allowed, and a host off loopback with insecure', () => {
    expect(parseConfig({ $schema: './s.json', port: 1, host: '0.0.0.0', insecure: true }).host).toBe(
      '0.0.0.0',
    );
    for (const host of ['127.0.0.1', '127.3.2.1', 'localhost', '::1'])
      expect(parseConfig({ port: 1, host }).host).toBe(host);
  });
});

/** Each field wrong once: the field, the wrong value, the path that is reported and part of what is said. */
const WRONG: readonly [string, unknown, string, RegExp][] = [
  ['$schema', 1, '$schema', /found 1, expected text/],
  ['name', 'a b', 'name', /found "a b", expected 1 to 64 characters/],
  ['name', '', 'name', /expected 1 to 64 characters/],
  ['name', '..', 'name', /expected 1 to 64 characters/],
  ['port', '3001', 'port', /found "3001", expected a whole number from 0 to 65,535/],
  ['port', 65536, 'port', /found 65536/],
  ['port', 1.5, 'port', /found 1.5/],
  ['port', -1, 'port', /found -1/],
  ['port', null, 'port', /found null/],
  ['host', 7, 'host', /a host name/],
  ['host', 'http://localhost', 'host', /without scheme/],
  ['host', '0.0.0.0', 'host', /others can reach/],
  ['advertise', 'ftp://x:1', 'advertise', /ftp/],
  ['advertise', 5, 'advertise', /found 5, expected a URL/],
  ['peers', 'localhost:1', 'peers', /expected a list/],
  ['peers', ['localhost'], 'peers[0]', /no port/],
  ['peers', [3001, true], 'peers[1]', /found true, expected a URL/],
  ['peers', [70000], 'peers[0]', /from 1 to 65,535/],
  ['allowedHosts', ['a b'], 'allowedHosts[0]', /a host name/],
  ['allowedOrigins', ['app.example'], 'allowedOrigins[0]', /an origin/],
  ['allowedOrigins', ['https://app.example/'], 'allowedOrigins[0]', /without a path/],
  ['insecure', 'yes', 'insecure', /true or false/],
  ['dataDir', '', 'dataDir', /a path/],
  ['storage', 'sqlite', 'storage', /found "sqlite", expected one of "lmdb", "level", "memory"/],
  ['durability', 'disk', 'durability', /one of "flushed", "committed", "memory"/],
  ['cluster', '', 'cluster', /1 to 64/],
  ['cluster', 'x'.repeat(65), 'cluster', /1 to 64/],
  ['buckets', [], 'buckets', /an object of bucket names/],
  ['buckets', { Stock: {} }, 'buckets.Stock', /1 to 64 of a-z/],
  [
    'buckets',
    { stock: { policy: 'last' } },
    'buckets.stock.policy',
    /found "last", expected one of "lww", "fww", "siblings", "counter", "set"/,
  ],
  ['buckets', { stock: { polcy: 'lww' } }, 'buckets.stock.polcy', /did you mean policy\?/],
  ['buckets', JSON.parse('{"__proto__": {}}'), 'buckets.__proto__', /no bucket can have/],
  ['gossip', true, 'gossip', /found true, expected an object/],
  ['gossip', { discovery: 1 }, 'gossip.discovery', /true or false/],
  ['gossip', { antiEntropyMs: 5 }, 'gossip.antiEntropyMs', /a list of two whole numbers/],
  ['gossip', { antiEntropyMs: [1000] }, 'gossip.antiEntropyMs', /a list of two whole numbers/],
  ['gossip', { antiEntropyMs: [1000, 'x'] }, 'gossip.antiEntropyMs[1]', /found "x", expected a whole number/],
  ['gossip', { antiEntropyMs: [2000, 1000] }, 'gossip.antiEntropyMs', /the least first/],
  ['gossip', { maxClockDriftMs: 0 }, 'gossip.maxClockDriftMs', /whole number from 1 to/],
  ['gossip', { pingMs: 1 }, 'gossip.pingMs', /whole number from 10 to/],
  ['gossip', { pingTimeoutMs: 4000 }, 'gossip.pingTimeoutMs', /at least pingMs, which is 5000/],
  ['gossip', { pingTimeoutMs: '1' }, 'gossip.pingTimeoutMs', /whole number/],
  ['gossip', { dialBackoffMs: [0, 1] }, 'gossip.dialBackoffMs[0]', /whole number from 1 to/],
  ['gossip', { dialTimeoutMs: 1e12 }, 'gossip.dialTimeoutMs', /found 1000000000000/],
  ['gossip', { announceMs: 0 }, 'gossip.announceMs', /whole number from 10 to/],
  ['gossip', { evictAfterMs: 4000 }, 'gossip.evictAfterMs', /at least announceMs, which is 5000/],
  ['gossip', { evictAfterMs: 32e9 }, 'gossip.evictAfterMs', /from 1,000 to 31,536,000,000/],
  ['gossip', { auditMs: -1 }, 'gossip.auditMs', /whole number from 0 to/],
  ['gossip', { discover: true }, 'gossip.discover', /did you mean discovery\?/],
  ['limits', { keyBytes: 2000 }, 'limits.keyBytes', /from 1 to 1,024/],
  ['limits', { valueBytes: 9e6 }, 'limits.valueBytes', /from 1 to 8,388,608/],
  ['limits', { valueDepth: 0 }, 'limits.valueDepth', /whole number/],
  ['limits', { links: 0 }, 'limits.links', /whole number/],
  ['limits', { clients: '1' }, 'limits.clients', /whole number/],
  ['limits', { watchesPerClient: null }, 'limits.watchesPerClient', /whole number/],
  ['limits', { addresses: 5000 }, 'limits.addresses', /from 1 to 1,024/],
  ['limits', { pendingWrites: -5 }, 'limits.pendingWrites', /whole number/],
  ['limits', { siblings: 0 }, 'limits.siblings', /from 1 to 1,000/],
  ['limits', { deltaChunkBytes: 1 }, 'limits.deltaChunkBytes', /from 1,024 to/],
  ['log', { level: 'loud' }, 'log.level', /one of "silent"/],
  ['log', { format: 'xml' }, 'log.format', /one of "pretty", "json"/],
  ['gosip', {}, 'gosip', /unknown field; did you mean gossip\?/],
  ['colour', 'red', 'colour', /unknown field; known are .*cluster/],
  ['__proto__x', 1, '__proto__x', /unknown field/],
];

describe('each field wrong', () => {
  test.each(WRONG)('%s: %j', (field, value, path, text) => {
    const { code, message } = problemWith({ port: 3001, [field]: value });
    expect(code).toBe('CONFIG_INVALID');
    expect(message.split('\n')).toHaveLength(1);
    expect(message.startsWith(`c.json: ${path}: `)).toBe(true);
    expect(message).toMatch(text);
  });

  test.each([[null], [[]], ['x'], [7], [undefined]])('%j is no config', (input) => {
    expect(problemWith(input).message).toMatch(/expected an object$/);
  });

  test('a member __proto__ is an unknown field', () => {
    expect(problemWith(JSON.parse('{"port": 1, "__proto__": {"port": 2}}')).message).toMatch(
      /__proto__: unknown field/,
    );
  });

  test('a missing port', () => {
    expect(problemWith({}).message).toBe('c.json: port: missing, expected a whole number from 0 to 65,535');
  });

  test('memory storage refuses another durability, host off loopback says what to do', () => {
    const storage = problemWith({ port: 1, storage: 'memory', durability: 'flushed' });
    expect(storage.message).toBe(
      'c.json: durability: found "flushed", expected "memory" with storage "memory"',
    );
    expect(problemWith({ port: 1, host: '0.0.0.0' }).hint).toMatch(/"insecure": true/);
  });

  test('all problems at once, one a line', () => {
    const { message } = problemWith({ port: 'x', gosip: 1, host: '::', limits: { links: 0 } });
    const [first, ...lines] = message.split('\n');
    expect(first).toBe('c.json: 4 problems');
    expect(lines.map((line) => line.split(': ')[0]).sort()).toEqual([
      '  gosip',
      '  host',
      '  limits.links',
      '  port',
    ]);
  });

  test('what was found is shortened', () => {
    expect(problemWith({ port: 'x'.repeat(5000) }).message.length).toBeLessThan(200);
  });
});

describe('agreement with the rooms behind', () => {
  test('policies', () => expect(BUCKET_POLICIES).toEqual(POLICIES));

  test('the largest limits are those of the protocol', () => {
    const most = { keyBytes: MAX_KEY_BYTES, valueBytes: MAX_VALUE_BYTES, addresses: MAX_ADDRESSES };
    expect(parseConfig({ port: 1, limits: most }).limits).toMatchObject(most);
    for (const [name, value] of Object.entries(most)) {
      expect(problemWith({ port: 1, limits: { [name]: value + 1 } }).message).toContain(`limits.${name}`);
    }
  });

  test.each(['a', '0', 'a-b_c', 'a'.repeat(64), 'a'.repeat(65), '-a', '_a', 'A', '', 'a b', 'é'])(
    'bucket name %j',
    (name) => {
      const accepted = (() => {
        try {
          return name in parseConfig({ port: 1, buckets: { [name]: {} } }).buckets;
        } catch {
          return false;
        }
      })();
      expect(accepted).toBe(isBucketName(name));
    },
  );
});
