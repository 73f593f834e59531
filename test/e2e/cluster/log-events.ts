import type { PeerProcess } from '../../tools/peer-process.js';

/** What the logs of peers say from a moment on. */
export class LogEvents {
  readonly #from: ReadonlyMap<PeerProcess, number>;

  constructor(peers: readonly PeerProcess[]) {
    this.#from = new Map(peers.map((peer) => [peer, peer.log.length]));
  }

  /** How often each event was logged. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [peer, from] of this.#from) {
      for (const line of peer.log.slice(from).split('\n')) {
        const event = eventOf(line);
        if (event !== undefined) counts[event] = (counts[event] ?? 0) + 1;
      }
    }
    return counts;
  }

  /** Lines of the level error, and whatever is no line of the log at all. */
  static errorsIn(peers: readonly PeerProcess[]): string[] {
    return peers.flatMap(({ name, log }) =>
      log
        .split('\n')
        .filter((line) => /"level":[56]0/.test(line) || (line !== '' && !line.startsWith('{')))
        .map((line) => `${name}: ${line}`),
    );
  }
}

function eventOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { event?: string }).event;
  } catch {
    // The last line may be under way, or cut by kill -9.
    return undefined;
  }
}
