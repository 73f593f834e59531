import { RumeurError } from '../../base/errors.js';
import { describe } from '../json.js';
import { checkKeyPart } from '../values.js';
import { didYouMean, quote } from '../suggest.js';
import type { Signature } from './arguments.js';
import type { Handler } from './client.js';
import * as data from './data.js';
import { explain } from './explain.js';
import { entries, keys } from './pages.js';
import { decrement, increment, add, members, remove } from './policies.js';
import { removeForGood } from '../remove-peer.js';

interface EventSpec extends Signature {
  readonly run: Handler;
}

const watch: Handler = ({ watches, limits }, _args, options) => {
  const { prefix = '', raw = false } = options;
  checkKeyPart(prefix, 'the prefix', limits);
  return { value: { id: watches.start(data.bucketOf(options), prefix, raw) } };
};

const unwatch: Handler = ({ watches }, [id]) => {
  if (typeof id !== 'string')
    throw new RumeurError('ARGUMENT_INVALID', `an id is a string, not ${describe(id)}`);
  if (!watches.stop(id)) {
    const hint = 'watches end with unwatch, with WATCH_OVERFLOW, and with the connection that started them';
    throw new RumeurError('NOT_FOUND', `this connection has no watch ${quote(id)}`, { hint });
  }
  return { value: null };
};

const addPeer: Handler = async ({ service }, [url]) => {
  await service.addPeer(textOf(url, 'a url, host:port or the port of a peer of this machine'));
  return { value: null };
};

const removePeer: Handler = async ({ service }, [peer], { evict = false }) => {
  const target = textOf(peer, 'the url or id of a peer');
  await (evict ? removeForGood(service, target) : service.removePeer(target));
  return { value: null };
};

const verify: Handler = async ({ service }, _args, { peer, bucket }) => {
  const options = { ...(peer === undefined ? {} : { peer }), ...(bucket === undefined ? {} : { bucket }) };
  return { value: await service.verify(options) };
};

/** Ports may come as numbers. */
function textOf(value: unknown, expected: string): string {
  if (typeof value === 'string') return value;
  if (Number.isInteger(value)) return String(value);
  throw new RumeurError('ARGUMENT_INVALID', `expected ${expected}, not ${describe(value)}`);
}

/** Every event that clients may send: its arguments, its options, and what it does. */
const SPECS: readonly EventSpec[] = [
  { name: 'get', args: ['key'], options: ['bucket', 'raw', 'siblings'], run: data.get },
  { name: 'set', args: ['key', 'value'], options: ['bucket', 'raw', 'context'], run: data.set },
  { name: 'delete', args: ['key'], options: ['bucket', 'context'], run: data.remove },
  { name: 'setMany', args: ['[[key, value], ...]'], options: ['bucket', 'raw'], run: data.setMany },
  { name: 'keys', args: [], options: ['bucket', 'prefix', 'after', 'limit'], run: keys },
  { name: 'entries', args: [], options: ['bucket', 'prefix', 'after', 'limit', 'raw'], run: entries },
  { name: 'incr', args: ['key'], optional: 'by', options: ['bucket'], run: increment },
  { name: 'decr', args: ['key'], optional: 'by', options: ['bucket'], run: decrement },
  { name: 'sadd', args: ['key', 'member or [members]'], options: ['bucket'], run: add },
  { name: 'srem', args: ['key', 'member or [members]'], options: ['bucket'], run: remove },
  { name: 'smembers', args: ['key'], options: ['bucket', 'after', 'limit'], run: members },
  { name: 'buckets', args: [], options: [], run: ({ service }) => ({ value: service.buckets() }) },
  { name: 'explain', args: ['key'], options: ['bucket', 'raw'], run: explain },
  { name: 'watch', args: [], options: ['bucket', 'prefix', 'raw'], run: watch },
  { name: 'unwatch', args: ['id'], options: [], run: unwatch },
  { name: 'addPeer', args: ['url'], options: [], run: addPeer },
  { name: 'removePeer', args: ['url or id'], options: ['evict'], run: removePeer },
  { name: 'getPeers', args: [], options: [], run: ({ service }) => ({ value: service.getPeers() }) },
  {
    name: 'compare',
    args: [],
    options: [],
    run: async ({ service }) => ({ value: await service.compare() }),
  },
  { name: 'verify', args: [], options: ['peer', 'bucket'], run: verify },
  { name: 'status', args: [], options: [], run: ({ service }) => ({ value: service.status() }) },
];

const BY_NAME: ReadonlyMap<unknown, EventSpec> = new Map(SPECS.map((spec) => [spec.name, spec]));
const NAMES: readonly string[] = SPECS.map(({ name }) => name);

/** @throws `EVENT_UNKNOWN` */
export function findEvent(name: unknown): EventSpec {
  const spec = BY_NAME.get(name);
  if (spec !== undefined) return spec;
  const known = `the events are ${NAMES.join(', ')}`;
  if (typeof name !== 'string')
    throw new RumeurError('EVENT_UNKNOWN', 'an event has a name, a string', { hint: known });
  throw new RumeurError('EVENT_UNKNOWN', `there is no event ${quote(name)}`, {
    hint: didYouMean(name, NAMES, known),
  });
}
