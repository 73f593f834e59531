import type { PeerId } from '../base/ids.js';
import type { Dot } from '../data/dot.js';
import type { MemberRecord } from '../protocol/members.js';
import type { Bucket } from './bucket.js';
import type { Core } from './core.js';
import type { Keeper } from './damage.js';
import type { Members } from './members.js';

/** Who may have what a damaged row held. @param since as `KeeperOf` */
export function keeperOf(core: Core, members: Members, bucket: Bucket, dot: Dot, since: number): Keeper {
  const linked = new Set<PeerId | undefined>();
  for (const { id, hello, vectors } of core.links.values()) {
    linked.add(hello?.peer);
    // Two damaged peers can claim nothing to each other, only say by an exact delta that they do not hold it.
    const isWithheld = bucket.held.get(id)?.dots.covers(dot) === true;
    if (vectors.get(bucket.name)?.covers(dot) && !isWithheld) return 'neighbour';
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
