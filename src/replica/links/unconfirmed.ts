import type { Link } from '../../protocol/link.js';
import type { Core } from '../core.js';

/** Operations that have come here since the start by other ways than this link: what its other side has to get from us. */
export function newsBeside({ counters }: Core, { traffic }: Link): number {
  const { writes, pushesReceived, pushesDuplicate, deltaEntriesReceived } = counters;
  const all = writes + pushesReceived - pushesDuplicate + deltaEntriesReceived;
  return all - traffic.pushesReceived - traffic.deltasReceived;
}

/** Whether a ping was sent again because nothing came in time, and nothing has come since. */
const isSilent = ({ ping, heardAt }: Link): boolean =>
  ping?.repeatedAt !== undefined && heardAt <= ping.repeatedAt;

/**
 * How many operations at most the other side of a silent link may lack although they were sent: those that came here after
 * the last ping that it answered. As nothing overtakes on a link, what was sent before that has arrived. 0 of a link that
 * is not silent.
 */
export const unconfirmedOn = (core: Core, link: Link): number =>
  isSilent(link) ? Math.max(0, newsBeside(core, link) - (link.confirmedNews ?? 0)) : 0;
