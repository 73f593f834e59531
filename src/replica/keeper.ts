import type { PeerId } from '../base/ids.js';
import { type Dot, dotToText } from '../data/dot.js';
import type { Link } from '../protocol/link.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Keeper } from './damage.js';
import type { Members } from './members.js';

/** Who may have what a damaged row held. @param since as `KeeperOf` */
export function keeperOf(core: Core, members: Members, bucket: Bucket, dot: Dot, since: number): Keeper {
  const linked = new Set<PeerId | undefined>();
  for (const link of core.links.values()) {
    linked.add(link.hello?.peer);
    // Two damaged peers can claim nothing to each other, only say by an exact delta that they do not hold it.
    const isDenied = bucket.held.get(link.id)?.denied.has(dotToText(dot)) === true;
    if (mayCover(link, bucket, dot) && !isDenied) return 'neighbour';
  }
  // What a member announced before the loss may be older than what it got: only a later word says no.
  const mayHave = ({ peer, vectors }: MemberRecord): boolean => {
    const known = new Map(vectors).get(bucket.name);
    return (members.heardAt(peer) ?? 0) <= since || known?.covers(dot) === true;
  };
  const isAway = members
    .counted()
    .some((member) => member.peer !== core.self.peer && !linked.has(member.peer) && mayHave(member));
  return isAway ? 'away' : 'nobody';
}

/** Also while it has yet to tell what it covers, as after a delta that came to nothing. */
function mayCover({ hello, refused, vectors }: Link, { name }: Bucket, dot: Dot): boolean {
  const known = vectors.get(name);
  if (known) return known.covers(dot);
  return !refused.has(name) && hello?.buckets.some(({ bucket }) => bucket === name) === true;
}
