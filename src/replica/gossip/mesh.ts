import { activeLinks, type Core } from '../core.js';

/**
 * Whether all peers that we know of are probably linked to each other: we are linked to all that can be reached, all of
 * them can be dialled, and peers tell each other of one another. It is a guess, and only saves traffic when it is right.
 */
export function isMesh(core: Core): boolean {
  if (!core.options.discovery) return false;
  const links = activeLinks(core);
  if (links.some(({ hello }) => hello?.url === null)) return false;
  const linked = new Set(links.map(({ hello }) => hello?.peer));
  for (const { record, failures } of core.addresses.active()) {
    if (failures === 0 && (record.id === undefined || !linked.has(record.id))) return false;
  }
  return true;
}
