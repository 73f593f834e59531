import { setTimeout as pause } from 'node:timers/promises';
import type { Status, SyncCheck } from '../../src/api/service.js';
import { RumeurError } from '../../src/base/errors.js';
import type { PeerClient } from '../client.js';
import type { CommandModule } from '../command.js';
import { note, print } from '../output.js';

/** Between two comparisons, milliseconds. */
const PAUSE_MS = 200;

export const command: CommandModule = {
  usage: {
    arguments: [],
    options: [['--synced', 'wait until the peer is in sync with all that it is linked to (the default)']],
    details: `Compares with every linked peer until all hold the same, and prints "in sync". After --timeout (10 s) it
says how far behind the peer is, and the exit code is 5. It does not wait for peers that are down; on stderr it says
how many are.`,
    examples: ['config1 wait --synced', 'config1 wait --synced --timeout 60000'],
  },

  async run({ session }) {
    const { timeoutMs } = session.options;
    const until = performance.now() + timeoutMs;
    const client = await session.connect();
    let check = await checked(client, until);
    while (!check.inSync) {
      if (performance.now() + PAUSE_MS > until) throw await late(client, timeoutMs, check);
      await pause(PAUSE_MS);
      check = await checked(client, until);
    }
    const { peers } = await statusOf(client);
    const away = peers.filter(({ state }) => state !== 'connected').length;
    if (away > 0) note(`${away} of ${peers.length} other peers not connected: not waited for`);
    await print(session.json ? '{"inSync":true}\n' : 'in sync\n');
    return undefined;
  },
};

/** One comparison, in the time that is left: a linked peer that does not answer holds it up. */
async function checked(client: PeerClient, until: number): Promise<SyncCheck> {
  try {
    const leftMs = Math.max(1, Math.ceil(until - performance.now()));
    const { value } = await client.callWithin(leftMs, 'compare', {});
    return value as SyncCheck;
  } catch (error) {
    if (error instanceof RumeurError && error.code === 'TIMEOUT') return { inSync: false, silent: 1 };
    throw error;
  }
}

const statusOf = async (client: PeerClient): Promise<Status> =>
  (await client.call('status', {})).value as Status;

async function late(client: PeerClient, timeoutMs: number, { silent = 0 }: SyncCheck): Promise<RumeurError> {
  const { peers } = await statusOf(client);
  const linked = peers.filter(({ state }) => state === 'connected');
  const apart = linked.filter(({ behind, ahead }) => behind + ahead > 0);
  const behind = apart.reduce((most, peer) => Math.max(most, peer.behind), 0);
  const what = [
    ...(linked.length === 0 ? ['no other peer is connected'] : []),
    ...(silent > 0 ? ['a connected peer does not answer'] : []),
    ...(apart.length > 0
      ? [
          `${apart.length} of ${linked.length} connected peers differ, and up to ${behind} writes are missing here`,
        ]
      : []),
  ];
  return new RumeurError(
    'TIMEOUT',
    `not in sync within ${timeoutMs} ms: ${what.join('; ') || 'see the status'}`,
    {
      hint: 'rumeur status shows who is how far behind; --timeout waits longer',
    },
  );
}
