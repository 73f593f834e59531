import { setTimeout as pause } from 'node:timers/promises';
import type { Status } from '../../src/api/service.js';
import { RumeurError } from '../../src/base/errors.js';
import { isRecord, type PeerClient } from '../client.js';
import type { CommandModule } from '../command.js';
import { print } from '../output.js';

/** Between two comparisons, milliseconds. */
const PAUSE_MS = 200;

export const command: CommandModule = {
  usage: {
    arguments: [],
    options: [['--synced', 'wait until the peer is in sync with all that it is linked to (the default)']],
    details: `Compares with every linked peer until all hold the same, and prints "in sync". After --timeout (10 s) it
says how far behind the peer is, and the exit code is 5. It does not wait for peers that are down.`,
    examples: ['config1 wait --synced', 'config1 wait --synced --timeout 60000'],
  },

  async run({ session }) {
    const until = performance.now() + session.options.timeoutMs;
    const client = await session.connect();
    while (!(await isSynced(client))) {
      if (performance.now() + PAUSE_MS > until) throw await late(client, session.options.timeoutMs);
      await pause(PAUSE_MS);
    }
    await print(session.json ? '{"inSync":true}\n' : 'in sync\n');
    return undefined;
  },
};

async function isSynced(client: PeerClient): Promise<boolean> {
  const { value } = await client.call('compare', {});
  return isRecord(value) && value['inSync'] === true;
}

async function late(client: PeerClient, timeoutMs: number): Promise<RumeurError> {
  const { value } = await client.call('status', {});
  const { peers } = value as Status;
  const apart = peers.filter(({ behind, ahead }) => behind + ahead > 0);
  const behind = apart.reduce((most, peer) => Math.max(most, peer.behind), 0);
  const what =
    apart.length === 0
      ? 'no other peer is connected, or the status says why'
      : `${apart.length} of ${peers.length} peers differ, and up to ${behind} writes are missing here`;
  return new RumeurError('TIMEOUT', `not in sync within ${timeoutMs} ms: ${what}`, {
    hint: 'rumeur status shows who is how far behind; --timeout waits longer',
  });
}
