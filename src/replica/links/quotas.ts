import type { Allowance } from '../../base/allowance.js';
import type { Link } from '../../protocol/link.js';
import type { Message } from '../../protocol/messages.js';

/** They are short and soon dealt with, so that very many come before they take up much room. */
const CHATTER: ReadonlySet<Message['type']> = new Set([
  'ping',
  'pong',
  'ack',
  'cancel',
  'digest',
  'same',
  'vectors',
  'deltaRequest',
  'below',
  'roster',
]);

/**
 * Whether the other side of a link may still ask or tell this; it counts. Everything that makes us ask others, dial or
 * remember addresses is bounded here, whoever it is about.
 */
export function affords({ quotas }: Link, message: Message, now: number): boolean {
  const { type } = message;
  if (CHATTER.has(type)) return spend(quotas.chatter, now, 1);
  if (type === 'probe') return spend(quotas.probes, now, 1);
  if (type === 'shuffle' && !spend(quotas.shuffles, now, 1)) return false;
  const tellsAddresses = type === 'peers' || type === 'shuffle' || type === 'shuffled';
  return !tellsAddresses || spend(quotas.addresses, now, message.addresses.length);
}

/** Takes units, or says that there are none left: what is refused costs nothing. */
export function spend(allowance: Allowance, now: number, units: number): boolean {
  if (allowance.readyAt(now) > now) return false;
  allowance.spend(now, units);
  return true;
}
