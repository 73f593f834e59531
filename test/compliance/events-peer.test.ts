import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Peer } from '../../src/api/peer.js';
import type { ConfigInput } from '../../src/index.js';
import { eventsOfPolicies } from './events-policies.suite.js';
import { eventsRefuseBadInput } from './events-bad-input.suite.js';
import { eventsContract, type EventsUnderTest } from './events.suite.js';

async function openPeer(config: Partial<ConfigInput> = {}): Promise<EventsUnderTest> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rumeur-events-'));
  const peer = await Peer.open({ port: 0, dataDir, log: { level: 'silent' }, ...config });
  const stop = async (): Promise<void> => {
    await peer.close();
    await rm(dataDir, { recursive: true });
  };
  return { url: peer.url, stop };
}

eventsContract('a peer on disk', openPeer);
// Removed members are to stay for as long as a test takes, on a busy machine too.
const KEPT = { gossip: { announceMs: 600_000 } };
eventsOfPolicies('a peer on disk', (config) => openPeer({ ...KEPT, ...config }));
eventsOfPolicies('a peer in memory', (config) => openPeer({ storage: 'memory', ...config }));
eventsRefuseBadInput('a peer on disk', openPeer);
