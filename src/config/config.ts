import { z } from 'zod';
import { parsePeerUrl } from '../base/url.js';
import { isHost, isLoopbackHost } from './addresses.js';
import { configError, problemsOf, show, type Problem } from './problems.js';
import {
  configSchema,
  type BUCKET_POLICIES,
  type DURABILITIES,
  type LOG_FORMATS,
  type LOG_LEVELS,
  type STORAGES,
} from './schema.js';

/** What a config file or an embedding program may write; everything but `port` has a default. */
export type ConfigInput = ReadonlyDeep<z.input<typeof configSchema>>;

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;

export type StorageName = (typeof STORAGES)[number];
/** When a write is acknowledged. */
export type Durability = (typeof DURABILITIES)[number];
export type BucketPolicyName = (typeof BUCKET_POLICIES)[number];
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface BucketConfig {
  readonly policy: BucketPolicyName;
}

/** Times in milliseconds; pairs are `[least, most]`. */
export interface GossipConfig {
  readonly discovery: boolean;
  /** While no more peers are known than that, each is linked to every other one. */
  readonly meshPeers: number;
  /** The links that a peer keeps where there are more. */
  readonly degree: number;
  readonly antiEntropyMs: readonly [number, number];
  readonly maxClockDriftMs: number;
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  readonly lazyMs: number;
  readonly dialBackoffMs: readonly [number, number];
  readonly dialTimeoutMs: number;
  readonly announceMs: number;
  readonly evictAfterMs: number;
  /** 0: never. */
  readonly auditMs: number;
}

/** Bytes where the name says so (keys and values in UTF-8), levels of nesting for `valueDepth`, else counts. */
export interface Limits {
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly valueDepth: number;
  readonly links: number;
  readonly clients: number;
  readonly watchesPerClient: number;
  readonly addresses: number;
  readonly pendingWrites: number;
  readonly siblings: number;
  readonly deltaChunkBytes: number;
}

/** `format` undefined: pretty on a terminal, else json. */
export interface LogConfig {
  readonly level: LogLevel;
  readonly format: LogFormat | undefined;
}

/** A checked config with every default filled in. */
export interface Config {
  readonly name: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** IPv6 addresses without brackets. */
  readonly host: string;
  /** Canonical URL; undefined: `http://` with host and the port that is listened on. */
  readonly advertise: string | undefined;
  /** Canonical URLs, each once. May hold our own, which the peer ignores. */
  readonly peers: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly insecure: boolean;
  /** As written, or `.rumeur/<name>`; who reads the config from a file resolves it against the file's folder. */
  readonly dataDir: string;
  readonly storage: StorageName;
  readonly durability: Durability;
  readonly cluster: string;
  readonly buckets: Readonly<Record<string, BucketConfig>>;
  readonly gossip: GossipConfig;
  readonly limits: Limits;
  readonly log: LogConfig;
}

/**
 * Checks a config and fills in the defaults.
 * @param input parsed JSON, or an object of the embedding program
 * @param source how messages call it: the file's path or "the config"
 * @param defaultName the peer's name unless the config has one; without either `peer-<port>`
 * @throws RumeurError `CONFIG_INVALID` naming every problem: its path, what was found and what was expected
 */
export function parseConfig(input: unknown, source = 'the config', defaultName?: string): Config {
  const checked = configSchema.safeParse(input, { reportInput: true });
  const problems = checked.success ? [] : problemsOf(checked.error.issues, configSchema);
  problems.push(...crossProblems(input));
  if (!checked.success || problems.length > 0) throw configError(source, problems);
  const fields = checked.data;
  const name = fields.name ?? defaultName ?? (fields.port === 0 ? 'peer' : `peer-${fields.port}`);
  return {
    name,
    port: fields.port,
    host: fields.host,
    advertise: fields.advertise === undefined ? undefined : parsePeerUrl(fields.advertise),
    peers: [...new Set(fields.peers.map(parsePeerUrl))],
    allowedHosts: fields.allowedHosts,
    allowedOrigins: fields.allowedOrigins,
    insecure: fields.insecure,
    dataDir: fields.dataDir ?? `.rumeur/${name}`,
    storage: fields.storage,
    durability: fields.durability ?? (fields.storage === 'memory' ? 'memory' : 'flushed'),
    cluster: fields.cluster,
    buckets: { default: { policy: 'lww' }, ...fields.buckets },
    gossip: fields.gossip,
    limits: fields.limits,
    log: { level: fields.log.level, format: fields.log.format },
  };
}

/** What is wrong between fields that are each right. Looked up in the raw input, so that all comes in one report. */
function crossProblems(input: unknown): Problem[] {
  if (!isRecord(input)) return [];
  const { host, insecure, storage, durability, gossip, buckets } = input;
  const problems: Problem[] = [];
  if (typeof host === 'string' && isHost(host) && !isLoopbackHost(host) && insecure !== true) {
    problems.push({
      path: ['host'],
      text: `found ${show(host)}, which others can reach, and nobody has to log in`,
      hint: 'set "insecure": true if everyone in that network may read and write, or "host": "127.0.0.1"',
    });
  }
  if (storage === 'memory' && (durability === 'flushed' || durability === 'committed')) {
    problems.push({
      path: ['durability'],
      text: `found ${show(durability)}, expected "memory" with storage "memory"`,
    });
  }
  if (isRecord(gossip)) {
    problems.push(...atLeast(gossip, 'pingTimeoutMs', 15_000, 'pingMs', 5000));
    problems.push(...atLeast(gossip, 'evictAfterMs', 604_800_000, 'announceMs', 5000));
  }
  // zod passes over this one name in records.
  if (isRecord(buckets) && Object.hasOwn(buckets, '__proto__')) {
    problems.push({
      path: ['buckets', '__proto__'],
      text: 'found the name "__proto__", which no bucket can have',
    });
  }
  return problems;
}

/** Of two times of `gossip`, each with its default, the one must not be below the other. */
function atLeast(
  gossip: Readonly<Record<string, unknown>>,
  name: string,
  usual: number,
  least: string,
  usualLeast: number,
): Problem[] {
  const value = gossip[name] ?? usual;
  const bound = gossip[least] ?? usualLeast;
  if (typeof value !== 'number' || typeof bound !== 'number' || value >= bound) return [];
  const text = `found ${show(value)}, expected at least ${least}, which is ${show(bound)}`;
  return [{ path: ['gossip', name], text }];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON schema of config files, as in `docs/config.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }) };
}
