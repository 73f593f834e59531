import { startEvents } from '../tools/events-server.js';
import { eventsRefuseBadInput } from './events-bad-input.js';
import { eventsContract } from './events.js';

eventsContract('a service in memory', startEvents);
eventsRefuseBadInput('a service in memory', startEvents);
