import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';
const SOCKET = /^socket:\[(\d+)\]$/;

/** A TCP connection of a process, by the ports of its ends. */
export interface Connection {
  readonly near: number;
  readonly far: number;
}

/**
 * The TCP connections that a process has, as the system lists them: links that no peer knows of count too.
 * @returns `undefined` where the system has no such lists
 */
export function connectionsOf(pid: number): Connection[] | undefined {
  try {
    const own = socketsOf(pid);
    return ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .flatMap((line) => {
          const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
          const isOurs = state === ESTABLISHED && own.has(inode);
          return isOurs ? [{ near: portOf(local), far: portOf(remote) }] : [];
        }),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const portOf = (address: string): number => parseInt(address.split(':')[1] ?? '', 16);

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = SOCKET.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch (error) {
      // It was closed just now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return inodes;
}

/** Bytes of a process's memory: all that is resident, and what of it is its own, without files that it maps. */
export function memoryOf(pid: number): { resident: number; own: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { resident: kibibytes('VmRSS') * 1024, own: kibibytes('RssAnon') * 1024 };
}
