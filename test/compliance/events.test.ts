import { startEvents } from '../tools/events-server.js';
import { eventsRefuseBadInput } from './events-bad-input.suite.js';
import { eventsContract } from './events.suite.js';

eventsContract('a service in memory', startEvents);
eventsRefuseBadInput('a service in memory', startEvents);
