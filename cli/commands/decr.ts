import type { CommandModule } from '../command.js';
import { count } from '../counting.js';

export const command: CommandModule = {
  usage: {
    arguments: [
      ['<key>', 'the key, in a bucket with the policy counter'],
      ['[by]', 'a whole number (default: 1)'],
    ],
    details: 'Prints the sum as this peer then knows it. It may fall below zero.',
    examples: ['config1 decr stock --bucket visits', 'config1 decr stock 3 --bucket visits'],
  },
  run: (context) => count('decr', context),
};
