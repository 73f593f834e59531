import { z } from 'zod';
import { isHost, isOrigin, urlProblem } from './addresses.js';
import { choice, flag, range, section, text, whole } from './fields.js';
import { WHOLE_SENTENCE } from './problems.js';

export const STORAGES = ['lmdb', 'level', 'memory'] as const;
export const DURABILITIES = ['flushed', 'committed', 'memory'] as const;
/** The same names as in `data/policy.ts`, which lies behind this room; a test keeps them equal. */
export const BUCKET_POLICIES = ['lww', 'fww', 'siblings', 'counter', 'set'] as const;
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export const LOG_FORMATS = ['pretty', 'json'] as const;

/** Timers are not set for longer. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const LABEL = /^[^\p{Cc}]{1,64}$/u;
/** A name stands in lines of output and in paths: no white space, no separators. */
const NAME = /^(?!\.{1,2}$)[^\s\p{Cc}/\\:]{1,64}$/u;
const BUCKET = /^[a-z0-9][a-z0-9_-]{0,63}$/;

const host = z
  .string({ error: 'a host name or an IP address' })
  .refine(isHost, { error: 'a host name or an IP address, without scheme, brackets or port' });

function checkUrl(value: string, context: z.core.$RefinementCtx): void {
  const message = urlProblem(value);
  if (message !== undefined)
    context.addIssue({ code: 'custom', message, params: { [WHOLE_SENTENCE]: true } });
}

const ADDRESS = 'a URL, "host:port" or the port of a peer on this machine';
const peerAddress = z.union(
  [z.string({ error: ADDRESS }).superRefine(checkUrl), whole(1, 65_535, 'A port of this machine.')],
  { error: ADDRESS },
);

const origin = z
  .string({ error: 'an origin such as "https://app.example"' })
  .refine(isOrigin, { error: 'an origin such as "https://app.example", without a path' });

const advertise = z.string({ error: 'a URL such as "http://shop.example:3001"' }).superRefine(checkUrl);

const bucket = section(
  {
    policy: choice(
      BUCKET_POLICIES,
      'What becomes of concurrent writes of a key: lww, the last writer wins; fww, the first write stands and nothing replaces it; siblings, all values are kept until a write resolves them; counter, increments add up; set, keys hold sets of strings, and an add wins over a concurrent remove.',
    ).default('lww'),
  },
  'One bucket.',
);

const buckets = z
  .record(
    z.string().regex(BUCKET, { error: '1 to 64 of a-z, 0-9, _ and -, not starting with _ or -' }),
    bucket,
    { error: 'an object of bucket names' },
  )
  .describe('The buckets by name, each with its conflict policy. The bucket "default" always exists.');

const gossip = section(
  {
    discovery: flag(
      'Whether peers tell each other the addresses they know and link to them. Without it a peer links only to what it or an addPeer names, and to who dials it.',
    ).default(true),
    lazyMs: whole(
      1,
      60_000,
      'How long news is collected before it is announced to neighbours that probably have it already, in milliseconds, shortened by up to half at random: one that lacks it asks for it a little later.',
    ).default(100),
    meshPeers: whole(
      1,
      1024,
      'While no more peers are known, each is linked to every other one; beyond, each keeps a few links and a sample of addresses.',
    ).default(50),
    degree: whole(
      2,
      64,
      'Beyond meshPeers, how many links a peer keeps: it dials while it has less than three quarters, and takes half as many more.',
    ).default(8),
    antiEntropyMs: range(
      10,
      HOUR_MS,
      'milliseconds',
      'Shortest and longest pause between two comparisons with a random neighbour, in milliseconds: it doubles while there is nothing to fetch, and each pause is shortened by up to half at random.',
    ).default([1000, 15_000]),
    maxClockDriftMs: whole(
      1,
      DAY_MS,
      'How far another clock may be ahead before its writes are held back, in milliseconds.',
    ).default(60_000),
    pingMs: whole(10, HOUR_MS, 'Time between two pings on a link, in milliseconds.').default(5000),
    pingTimeoutMs: whole(
      10,
      HOUR_MS,
      'A link from which nothing came for so long is closed, in milliseconds; not below pingMs.',
    ).default(15_000),
    dialBackoffMs: range(
      1,
      HOUR_MS,
      'milliseconds',
      'Wait before an address is dialled again: the first wait and the longest, doubling in between, with jitter, in milliseconds.',
    ).default([200, 15_000]),
    dialTimeoutMs: whole(
      10,
      HOUR_MS,
      'A dial that has not become a link after so long is given up, in milliseconds.',
    ).default(5000),
    announceMs: whole(
      10,
      HOUR_MS,
      'How often a peer with a durable store tells the others what is on its disk, when that has changed, in milliseconds: tombstones are dropped when all have told that they hold them.',
    ).default(5000),
    evictAfterMs: whole(
      1000,
      365 * DAY_MS,
      'A peer that has announced nothing for so long holds back no tombstones any more, in milliseconds; not below announceMs.',
    ).default(7 * DAY_MS),
    auditMs: whole(
      0,
      365 * DAY_MS,
      'Time between two audits, each of which looks through a part of the store for damaged rows, in milliseconds; 0 means never.',
    ).default(10_000),
  },
  'How peers find and follow each other.',
);

const limits = section(
  {
    keyBytes: whole(1, 1024, 'Longest key, in bytes of UTF-8.').default(1024),
    valueBytes: whole(1, 8_388_608, 'Largest value, in bytes of its JSON text.').default(1_048_576),
    valueDepth: whole(1, 1024, 'Deepest nesting of arrays and objects in a value, in levels.').default(256),
    links: whole(1, 1024, 'Most links to other peers at a time.').default(64),
    clients: whole(1, 1_000_000, 'Most Socket.IO clients at a time.').default(1000),
    watchesPerClient: whole(1, 1_000_000, 'Most watches of one client at a time.').default(1000),
    addresses: whole(1, 1024, 'Most peer addresses remembered.').default(512),
    pendingWrites: whole(
      1,
      10_000_000,
      'Most writes waiting for the disk; beyond it writes are refused as OVERLOADED.',
    ).default(10_000),
    siblings: whole(
      1,
      1000,
      'Most concurrent values of a key in a bucket with the policy siblings; a write that would make more is refused as OVERLOADED.',
    ).default(64),
    deltaChunkBytes: whole(
      1024,
      1_048_576,
      'Size of one chunk when a peer catches up, in bytes; a single larger entry makes a larger chunk.',
    ).default(131_072),
  },
  'Bounds. At a bound there is a named error or back-pressure, never growth.',
);

const log = section(
  {
    level: choice(LOG_LEVELS, 'The least important messages that are still logged.').default('info'),
    format: choice(
      LOG_FORMATS,
      'For people or for machines; default: pretty on a terminal, else json.',
    ).optional(),
  },
  'Logging, to the standard error output.',
);

/** The config file, field by field. Defaults that depend on other fields are filled in by `parseConfig`. */
export const configSchema = z
  .strictObject(
    {
      $schema: z.string({ error: 'text' }).optional().describe('The JSON schema, for editors; ignored.'),
      name: text(
        NAME,
        '1 to 64 characters without white space, slashes or colons',
        "What people call this peer; default: the config file's name without .json.",
      ).optional(),
      port: whole(0, 65_535, 'The TCP port to listen on; 0 lets the system choose.'),
      host: host
        .default('127.0.0.1')
        .describe('The name or address to listen on; off loopback only with insecure.'),
      advertise: advertise
        .optional()
        .describe('The URL under which others reach this peer; default: http:// with host and port.'),
      peers: z
        .array(peerAddress, { error: 'a list of addresses' })
        .default([])
        .describe(
          'Peers to link to: URLs, "host:port" or ports of this machine. Its own address is ignored.',
        ),
      allowedHosts: z
        .array(host, { error: 'a list of host names' })
        .default([])
        .describe(
          'Further names in the Host header by which clients may call this peer; ports do not matter.',
        ),
      allowedOrigins: z
        .array(origin, { error: 'a list of origins such as "https://app.example"' })
        .default([])
        .describe('Origins of foreign web pages that may use this peer.'),
      insecure: flag('Allows a host off loopback although nobody has to log in.').default(false),
      dataDir: text(
        /^[^\0]+$/,
        'a path',
        'Where the data lives; default: .rumeur/<name>. Relative to the config file.',
      ).optional(),
      storage: choice(
        STORAGES,
        'The storage engine: lmdb and level keep data on disk, each in files of its own, memory only while it runs.',
      ).default('lmdb'),
      durability: choice(
        DURABILITIES,
        'When a write is acknowledged: on disk, handed to the operating system (with lmdb and level at present the same as on disk), or in memory; default: flushed, with storage memory: memory.',
      ).optional(),
      cluster: text(
        LABEL,
        '1 to 64 characters, none of them a control character',
        'Peers of different clusters refuse each other.',
      ).default('rumeur'),
      buckets: buckets.default({ default: { policy: 'lww' } }),
      gossip: gossip.prefault({}),
      limits: limits.prefault({}),
      log: log.prefault({}),
    },
    { error: 'an object' },
  )
  .describe('Configuration of a Rumeur peer.');
