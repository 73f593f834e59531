import { parsePeerUrl } from '../../src/base/url.js';
import { required, type CommandModule } from '../command.js';
import { print } from '../output.js';

export const command: CommandModule = {
  usage: {
    arguments: [['<url>', 'a URL, host:port, or the port of a peer on the same machine']],
    details: `Prints OK: the peer links to the other one as soon as it can be reached, and remembers it across
restarts. Also takes back an earlier removePeer.`,
    examples: ['config1 addPeer localhost:3004', 'config1 join http://10.0.0.7:3001'],
  },

  async run(context) {
    const { session } = context;
    const url = parsePeerUrl(required(context, 0));
    const client = await session.connect();
    await client.call('addPeer', url, {});
    await print(session.json ? `${JSON.stringify({ url })}\n` : 'OK\n');
    return undefined;
  },
};
