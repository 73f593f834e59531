import type { CommandModule } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { print } from '../output.js';
import { experimentOptions } from '../simulate/options.js';
import { reportText } from '../simulate/report.js';
import { VirtualClock } from '../simulate/virtual-clock.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    options: [
      ['--peers <n>', 'how many peers, 2 to 10000 (default: 10)'],
      ['--degree <n>', 'links of a peer, on average (default: 5)'],
      ['--loss <percent>', 'messages of the broadcast that vanish on their way (default: 0)'],
      ['--crash <percent>', 'peers that crash meanwhile and are back 5 s later (default: 0)'],
      ['--partition <time>', 'splits the cluster in two for so long, such as 500ms, 30s or 2m'],
      ['--writes <n>', 'writes, spread over 10 s (default: 100)'],
      ['--seed <n>', 'the same seed gives the same run (default: 1)'],
    ],
    details: `Plays a cluster through in one process and in virtual time, with the very code that peers run: how long
until all have everything, over how many hops, at what cost. Needs no config and touches no data. The exit
code is 5 when the peers do not converge within 10 minutes of virtual time.`,
    examples: [
      'simulate --peers 50 --degree 5 --loss 2 --crash 10 --partition 30s --seed 7',
      'simulate --json',
    ],
  },

  async run({ options, session }) {
    const { runExperiment } = await import('../../simulator/experiment/experiment.js');
    const clock = new VirtualClock();
    const result = runExperiment(experimentOptions(options), (virtualMs) => clock.tell(virtualMs));
    clock.end();
    await print(session.json ? `${JSON.stringify(result)}\n` : reportText(result));
    return result.convergenceMs === null ? EXIT.timedOut : EXIT.done;
  },
};
