import { RumeurError } from '../../base/errors.js';
import { checkMember, checkStep } from '../arguments.js';
import { describe } from '../json.js';
import { checkKey } from '../values.js';
import type { Client, Handler, Reply } from './client.js';
import { bucketOf } from './data.js';
import { type EventLimits, DEFAULT_PAGE_ROWS, MAX_MEMBERS } from './limits.js';

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
  const members = membersOf(given, client.limits);
  const write = (): Promise<number> => client.service.addMembers(bucketOf(options), key, members);
  return { value: { added: await client.underWay(sizeOf(key, members), write) } };
};

export const remove: Handler = async (client, [key, given], options) => {
  checkKey(key, client.limits);
  const members = membersOf(given, client.limits);
  const write = (): Promise<number> => client.service.removeMembers(bucketOf(options), key, members);
  return { value: { removed: await client.underWay(sizeOf(key, members), write) } };
};

export const members: Handler = ({ service, limits }, [key], options) => {
  checkKey(key, limits);
  const { after, limit = DEFAULT_PAGE_ROWS } = options;
  if (after !== undefined) checkMember(after, limits);
  const range = after === undefined ? { limit } : { limit, after };
  const page = service.members(bucketOf(options), key, range);
  return page.more ? { value: page.members, more: true } : { value: page.members };
};

function membersOf(given: unknown, limits: EventLimits): string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length > MAX_MEMBERS) {
    const message = `at most ${MAX_MEMBERS} members at once, not ${list.length}`;
    throw new RumeurError('ARGUMENT_INVALID', message, { hint: 'send several lists' });
  }
  if (typeof given === 'object' && !Array.isArray(given)) {
    throw new RumeurError('ARGUMENT_INVALID', `a member, or a list of them, not ${describe(given)}`);
  }
  return list.map((member) => {
    checkMember(member, limits);
    return member;
  });
}

const sizeOf = (key: string, members: readonly string[]): number =>
  members.reduce((total, member) => total + key.length + member.length, 0);
