import type { CommandModule } from '../command.js';
import { count } from '../counting.js';

export const command: CommandModule = {
  usage: {
    arguments: [
      ['<key>', 'the key, in a bucket with the policy counter'],
      ['[by]', 'a whole number (default: 1)'],
    ],
    details: `Prints the sum as this peer then knows it. Increments that are made at several peers at the same
time all count.`,
    examples: ['config1 incr page --bucket visits', 'config1 incr page 10 --bucket visits'],
  },
  run: (context) => count('incr', context),
};
