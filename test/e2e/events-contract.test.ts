import { eventsOfPolicies } from '../compliance/events-policies.suite.js';
import { eventsContract } from '../compliance/events.suite.js';
import { openPeerProcess } from '../tools/open-peer.js';

eventsContract('a peer process', openPeerProcess);
eventsOfPolicies('a peer process', openPeerProcess);
