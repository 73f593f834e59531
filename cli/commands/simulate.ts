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
      [
        '--degree <n>',
        'plays a random graph: links of a peer, on average, 1 to 64 (default: a mesh up to 51 peers, else 5)',
      ],
      ['--loss <percent>', 'messages of the broadcast that vanish on their way, 0 to 90 (default: 0)'],
      ['--crash <percent>', 'peers that crash meanwhile and are back 5 s later, 0 to 100 (default: 0)'],
      [
        '--partition <time>',
        'splits the cluster in two for so long, such as 500ms, 30s or 2m; up to 60m (default: never)',
      ],
      [
        '--writes <n>',
        'writes, spread over 10 s, 1 to 10000, and peers times writes up to 10 million (default: 100)',
      ],
      ['--writers <n>', 'how many of the peers write (default: all)'],
      ['--seed <n>', 'a whole number: the same seed gives the same run (default: 1)'],
    ],
    details: `Plays a cluster through in one process and in virtual time, with the very code that peers run: how long
until all have everything, over how many hops, at what cost. Up to 51 peers it is the mesh that peers form with their
usual settings; beyond, and with --degree, a random graph in which nobody looks for other links. There the first writes
of each peer come over nearly every link, until its tree has grown: what later ones cost is told apart, and --writers
makes few peers write often. Needs no config and touches no data. The exit code is 5 when the peers do not converge
within 10 minutes of virtual time.`,
    examples: [
      'simulate --peers 50 --degree 5 --loss 2 --crash 10 --partition 30s --seed 7',
      'simulate --peers 200 --writers 10 --writes 200',
      'simulate --json',
    ],
  },

  async run({ options, session }) {
    const { runExperiment } = await import('../../simulator/experiment/experiment.js');
    const clock = new VirtualClock();
    const result = runExperiment(experimentOptions(options), (progress) => clock.tell(progress));
    clock.end();
    await print(session.json ? `${JSON.stringify(result)}\n` : reportText(result));
    return result.convergenceMs === null ? EXIT.timedOut : EXIT.done;
  },
};
