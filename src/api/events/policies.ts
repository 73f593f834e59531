import { RumeurError } from '../../base/errors.js';
import { checkMember, checkStep, membersOf } from '../arguments.js';
import { checkKey } from '../values.js';
import type { Client, Handler, Reply } from './client.js';
import { bucketOf } from './data.js';
import { type EventLimits, DEFAULT_PAGE_ROWS, MAX_MEMBERS } from './limits.js';
import { replyOf } from './pages.js';

export const increment: Handler = (client, [key, by = 1], options) =>
  count(client, key, checkStep(by), bucketOf(options));

export const decrement: Handler = (client, [key, by = 1], options) =>
  count(client, key, -checkStep(by), bucketOf(options));

async function count(client: Client, key: unknown, by: number, bucket: string): Promise<Reply> {
  checkKey(key, client.limits);
  return { value: await client.underWay(key.length, () => client.service.increment(bucket, key, by)) };
}

export const add: Handler = async (client, [key, given], options) => {
  checkKey(key, client.limits);
  const members = listOf(given, client.limits);
  const write = (): Promise<number> => client.service.addMembers(bucketOf(options), key, members);
  return { value: { added: await client.underWay(sizeOf(key, members), write) } };
};

export const remove: Handler = async (client, [key, given], options) => {
  checkKey(key, client.limits);
  const members = listOf(given, client.limits);
  const write = (): Promise<number> => client.service.removeMembers(bucketOf(options), key, members);
  return { value: { removed: await client.underWay(sizeOf(key, members), write) } };
};

export const members: Handler = ({ service, limits }, [key], options) => {
  checkKey(key, limits);
  const { after, limit = DEFAULT_PAGE_ROWS } = options;
  if (after !== undefined) checkMember(after, limits);
  const range = after === undefined ? { limit } : { limit, after };
  return replyOf(service.members(bucketOf(options), key, range), (member) => member);
};

function listOf(given: unknown, limits: EventLimits): string[] {
  if (!Array.isArray(given) || given.length <= MAX_MEMBERS) return membersOf(given, limits);
  const message = `at most ${MAX_MEMBERS} members at once, not ${given.length}`;
  throw new RumeurError('ARGUMENT_INVALID', message, { hint: 'send several lists' });
}

const sizeOf = (key: string, members: readonly string[]): number =>
  members.reduce((total, member) => total + key.length + member.length, 0);
