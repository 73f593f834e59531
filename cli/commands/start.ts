import { toRumeurError } from '../../src/base/errors.js';
import type { CommandModule } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { FORCED, handleInterrupts } from '../interrupts.js';
import { errorText, note, print } from '../output.js';

/** The contract is two seconds; whoever stops us may kill soon after. */
const CLOSE_WITHIN_MS = 2000;

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `Prints one line when it is ready, ready <name> <url> <peer id>, and runs until Ctrl-C or SIGTERM,
which flush and say goodbye to the other peers; a second Ctrl-C ends it at once. The log goes to
stderr.`,
    examples: ['config1 start', 'configs/config1.json start --json'],
  },

  async run({ session }) {
    endOnBugs();
    // From the beginning: a Ctrl-C may come while the peer still opens.
    const stopped = new Promise<void>((resolve) => {
      handleInterrupts({ onStop: resolve, onForce: () => process.exit(FORCED) });
    });
    void stopped.then(exitWhenOverdue);
    // Loaded step by step: the help needs none of it, and a mistake in the config is told before the rest is there.
    const { loadConfig } = await import('../../src/runtime/load-config.js');
    const config = await loadConfig(session.configPath());
    const { Peer } = await import('../../src/index.js');
    const peer = await Peer.open(config);
    const { name, url, id } = peer;
    await print(
      session.json ? `${JSON.stringify({ ready: true, name, url, id })}\n` : `ready ${name} ${url} ${id}\n`,
    );
    await stopped;
    await peer.close();
    return undefined;
  },
};

/** Whatever hangs, a file system at the opening or a peer at the goodbye, does not hold the process. */
function exitWhenOverdue(): void {
  setTimeout(() => {
    note(`rumeur: closing took longer than ${CLOSE_WITHIN_MS} ms; what was acknowledged is safe`);
    process.exit(EXIT.refused);
  }, CLOSE_WITHIN_MS);
}

/** A peer in an unknown state must not go on; the store takes it for a crash. */
function endOnBugs(): void {
  const end = (thrown: unknown): void => {
    note(errorText(toRumeurError(thrown)));
    if (thrown instanceof Error && thrown.stack !== undefined) note(thrown.stack);
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}
