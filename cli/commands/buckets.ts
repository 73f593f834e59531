import type { BucketInfo } from '../../src/api/service.js';
import type { CommandModule } from '../command.js';
import { print } from '../output.js';
import { table } from '../table.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `The buckets of the peer's config: what each does with concurrent writes of a key (its policy), and how
many keys it holds; of a bucket of sets, how many members.`,
    examples: ['config1 buckets', 'config1 buckets --json'],
  },

  async run({ session }) {
    const client = await session.connect();
    const { value } = await client.call('buckets', {});
    const rows = Object.entries(value as Record<string, BucketInfo>).map(([name, { policy, keys }]) => [
      name,
      policy,
      keys.toLocaleString('en-US'),
    ]);
    await print(session.json ? `${JSON.stringify(value)}\n` : table(['bucket', 'policy', 'keys'], rows));
    return undefined;
  },
};
