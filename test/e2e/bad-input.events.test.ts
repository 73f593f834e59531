import { eventsRefuseBadInput } from '../compliance/events-bad-input.suite.js';
import { openPeerProcess } from '../tools/open-peer.js';

eventsRefuseBadInput('a peer process', openPeerProcess);
