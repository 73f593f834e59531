import type { PeerInfo } from '../../src/api/service.js';
import type { CommandModule } from '../command.js';
import { print } from '../output.js';
import { shownState, table } from '../table.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `A table: address, id, name, state and round trip. The state is connected, connecting, suspect
(does not answer, or has lost its link), down (so for long, and others have not heard it either) or alive (in
a cluster too large for links to all: there is none to it, and nobody says that it is down).`,
    examples: ['config1 getPeers', 'config1 members --json'],
  },

  async run({ session }) {
    const client = await session.connect();
    const { value } = await client.call('getPeers', {});
    if (session.json) {
      await print(`${JSON.stringify(value)}\n`);
      return undefined;
    }
    const rows = (value as readonly PeerInfo[]).map(({ url, id, name, state, rttMs }) => [
      url ?? '-',
      id ?? '-',
      name ?? '-',
      shownState(state),
      rttMs === null ? '-' : `${rttMs.toFixed(1)} ms`,
    ]);
    await print(table(['url', 'id', 'name', 'state', 'round trip'], rows));
    return undefined;
  },
};
