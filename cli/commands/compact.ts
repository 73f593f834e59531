import { RumeurError } from '../../src/base/errors.js';
import { loadConfig } from '../../src/runtime/load-config.js';
import { compactStore } from '../../src/storage/disk/compact.js';
import type { CommandModule } from '../command.js';
import { print } from '../output.js';
import { shownSize } from '../sizes.js';

export const command: CommandModule = {
  usage: {
    arguments: [],
    details: `Gives the room back that the data directory of a stopped peer no longer needs: copies what stands in it into new
files, which then take the place of the old ones. Needs as much room again meanwhile; a crash or a full disk leaves it as it was. A
peer does the same by itself when it starts and most of its file is free.`,
    examples: ['config1 compact', 'config1 compact --json'],
  },

  async run({ session }) {
    const path = session.configPath();
    const { storage, dataDir } = await loadConfig(path);
    if (storage === 'memory') {
      const hint = 'there is nothing to compact';
      throw new RumeurError('CONFIG_INVALID', `${path}: this peer keeps its data in memory`, { hint });
    }
    const { before, after } = await compactStore(dataDir);
    const text = `OK ${shownSize(before.fileBytes)} before, ${shownSize(after.fileBytes)} now\n`;
    await print(session.json ? `${JSON.stringify({ before, after })}\n` : text);
    return undefined;
  },
};
