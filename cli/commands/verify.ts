import { RumeurError } from '../../src/base/errors.js';
import type { CommandModule } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { print } from '../output.js';

export const command: CommandModule = {
  usage: {
    arguments: [['[peer]', 'the URL, host:port, port or id of a linked peer (default: all of them)']],
    options: [['--store', 'check the data directory of the config instead; its peer must not run']],
    details: `Compares the data with that of linked peers, entry by entry, and tells what differs and who lacks how many
writes. Nothing is changed; what differs is repaired by itself within seconds. Compares all buckets unless
--bucket names one. With --store it reads the whole data directory and lists rows that are damaged or do not fit
each other. Exit code 0 when nothing differs, 4 when something does.`,
    examples: ['config1 verify', 'config1 verify localhost:3002 --json', 'config1 verify --store'],
  },

  async run(context) {
    const { session } = context;
    const [peer] = context.arguments;
    if (context.options['store'] !== true) {
      const { comparePeers, comparisonsText } = await import('../verify/peers.js');
      const comparisons = await comparePeers(session, peer);
      const isEqual = comparisons.every(({ result }) => result === 'equal');
      const json = (): string => `${JSON.stringify({ equal: isEqual, comparisons })}\n`;
      await print(session.json ? json() : comparisonsText(comparisons));
      return isEqual ? EXIT.done : EXIT.refused;
    }
    if (peer !== undefined) {
      const hint = 'leave out one of the two';
      throw new RumeurError('ARGUMENT_INVALID', `both --store and the peer ${peer}`, { hint });
    }
    const { checkStore, storeText } = await import('../verify/store.js');
    const report = await checkStore(session);
    const isSound = Object.values(report.buckets).every(({ problemCount }) => problemCount === 0);
    const json = (): string => `${JSON.stringify({ sound: isSound, ...report })}\n`;
    await print(session.json ? json() : storeText(report));
    return isSound ? EXIT.done : EXIT.refused;
  },
};
