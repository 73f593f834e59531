import { isId } from '../../src/base/ids.js';
import { parsePeerUrl } from '../../src/base/url.js';
import { required, type CommandModule } from '../command.js';
import { print } from '../output.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<url or id>', 'the address or the id of the other peer, as getPeers shows them']],
    options: [['--evict', 'it will not come back: deleted keys are no longer remembered for it']],
    details: `Prints OK: the link is closed, the address forgotten, and both address and id are kept out, also
when other peers or a dial bring them back, until addPeer. Deletes are remembered until every peer has
them on its disk; --evict says that nobody need wait for this one.`,
    examples: ['config1 removePeer localhost:3004', 'config1 removePeer V1StGXR8_Z5jdHi6B-myT --evict'],
  },

  async run(context) {
    const { session } = context;
    const written = required(context, 0);
    const peer = isId(written) ? written : parsePeerUrl(written);
    const client = await session.connect();
    const evict = context.options['evict'] === true;
    await client.call('removePeer', peer, evict ? { evict } : {});
    const json = { removed: peer, ...(evict ? { evicted: true } : {}) };
    await print(session.json ? `${JSON.stringify(json)}\n` : 'OK\n');
    return undefined;
  },
};
