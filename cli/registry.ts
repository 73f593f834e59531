import type { CommandModule } from './command.js';

interface Registered {
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Each command is loaded only when it is run or its help is shown: `get` must start fast. */
  readonly load: () => Promise<{ readonly command: CommandModule }>;
}

/** Every command, in the order of the help. */
export const COMMANDS = {
  start: {
    aliases: [],
    summary: 'run the peer in the foreground',
    load: () => import('./commands/start.js'),
  },
  set: { aliases: ['put'], summary: 'write a value', load: () => import('./commands/set.js') },
  get: { aliases: [], summary: 'print a value', load: () => import('./commands/get.js') },
  delete: { aliases: ['del', 'rm'], summary: 'delete a key', load: () => import('./commands/delete.js') },
  incr: { aliases: [], summary: 'count up', load: () => import('./commands/incr.js') },
  decr: { aliases: [], summary: 'count down', load: () => import('./commands/decr.js') },
  sadd: { aliases: [], summary: 'add members to a set', load: () => import('./commands/sadd.js') },
  srem: { aliases: [], summary: 'remove members from a set', load: () => import('./commands/srem.js') },
  smembers: {
    aliases: [],
    summary: 'list the members of a set',
    load: () => import('./commands/smembers.js'),
  },
  keys: { aliases: ['ls'], summary: 'list the keys', load: () => import('./commands/keys.js') },
  buckets: {
    aliases: [],
    summary: 'list the buckets and their policies',
    load: () => import('./commands/buckets.js'),
  },
  explain: {
    aliases: [],
    summary: 'tell where a value came from',
    load: () => import('./commands/explain.js'),
  },
  watch: { aliases: [], summary: 'print changes as they come', load: () => import('./commands/watch.js') },
  import: {
    aliases: [],
    summary: 'write many values from a file',
    load: () => import('./commands/import.js'),
  },
  export: { aliases: [], summary: 'write all values to a file', load: () => import('./commands/export.js') },
  addPeer: {
    aliases: ['join'],
    summary: 'link to another peer',
    load: () => import('./commands/add-peer.js'),
  },
  removePeer: {
    aliases: [],
    summary: 'unlink another peer and keep it out',
    load: () => import('./commands/remove-peer.js'),
  },
  getPeers: {
    aliases: ['members'],
    summary: 'list the other peers',
    load: () => import('./commands/get-peers.js'),
  },
  status: {
    aliases: [],
    summary: 'show whether the peers are in sync',
    load: () => import('./commands/status.js'),
  },
  wait: {
    aliases: [],
    summary: 'wait until the peers are in sync',
    load: () => import('./commands/wait.js'),
  },
  verify: {
    aliases: [],
    summary: 'compare the data with the other peers',
    load: () => import('./commands/verify.js'),
  },
  compact: {
    aliases: [],
    summary: 'give free room of the data back to the disk',
    load: () => import('./commands/compact.js'),
  },
  simulate: {
    aliases: [],
    summary: 'play a cluster through in virtual time',
    load: () => import('./commands/simulate.js'),
  },
} as const satisfies Record<string, Registered>;

export type CommandName = keyof typeof COMMANDS;

/** Commands that are about no peer: they take neither a config nor `--url`. */
export const STANDALONE: ReadonlySet<CommandName> = new Set(['simulate']);

export const commandEntries = (): [CommandName, Registered][] =>
  Object.entries(COMMANDS) as [CommandName, Registered][];

/** All names that a command answers to. */
export const COMMAND_NAMES: readonly string[] = [
  ...commandEntries().flatMap(([name, { aliases }]) => [name, ...aliases]),
  'help',
];

export function resolveCommand(word: string): CommandName | undefined {
  return commandEntries().find(([name, { aliases }]) => name === word || aliases.includes(word))?.[0];
}
