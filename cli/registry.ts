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
  keys: { aliases: ['ls'], summary: 'list the keys', load: () => import('./commands/keys.js') },
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
} as const satisfies Record<string, Registered>;

export type CommandName = keyof typeof COMMANDS;

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
