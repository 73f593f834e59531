import { equalBytes } from '../../../src/base/bytes.js';
import type { BucketName } from '../../../src/base/ids.js';
import { type Cell, isLive } from '../../../src/data/cell.js';
import { dotToText } from '../../../src/data/dot.js';
import type { Entry } from '../../../src/data/entry.js';
import { has, type Intervals } from '../../../src/data/intervals.js';
import type { Put } from '../../../src/replica/batch.js';
import type { Input } from '../../../src/replica/step.js';
import { kindOf } from '../../../simulator/network.js';
import type { SimPeer } from '../../../simulator/sim-peer.js';
import { Violation } from '../violation.js';
import { isSameDot } from './op-log.js';

/** Invariant 3: no dot is given to a second write. */
export function checkSameWrite(former: Entry, entry: Entry): void {
  if (equalBytes(former.digest, entry.digest)) return;
  throw new Violation('origin', `${dotToText(entry)} of '${former.key}' is given to a second write`);
}

/** Rule 16: a write takes the place of what its writer had seen. */
export function checkSeen(entry: Entry, before: Cell, after: Cell): void {
  const stays = before.find(
    (former) => entry.context?.covers(former) && after.some((other) => isSameDot(other, former)),
  );
  if (!stays) return;
  throw new Violation(
    'seen',
    `${dotToText(entry)} names ${dotToText(stays)} as seen, which stands beside it`,
  );
}

/**
 * Rule 17: no push or delta brings back what was covered and gone.
 * @param covered what the peer covered at any time before this step, and did not uncover
 */
export function checkRevived(
  peer: SimPeer,
  input: Input,
  { bucket, before, after }: Put,
  covered: (name: BucketName, entry: Entry) => Intervals,
): void {
  if (input.kind !== 'received' || input.messages.some(({ bytes }) => !CARRIERS.has(kindOf(bytes)))) return;
  for (const entry of after) {
    if (!isLive(entry) || before.some((former) => isSameDot(former, entry))) continue;
    if (entry.origin === peer.replica.core.origin || !has(covered(bucket, entry), entry.seq)) continue;
    const text = `${dotToText(entry)} of '${entry.key}' came back, which was covered and gone`;
    throw new Violation('revived', `${peer.url}: ${text}`);
  }
}

const CARRIERS: ReadonlySet<string> = new Set(['push', 'chunk', 'ping', 'pong', 'ack']);
