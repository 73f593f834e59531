import { eventsContract } from '../compliance/events.suite.js';
import { openPeerProcess } from '../tools/open-peer.js';

eventsContract('a peer process', openPeerProcess);
