import { isId, type PeerId } from '../base/ids.js';
import { parsePeerUrl } from '../base/url.js';

/** Three names of this machine: who asks for one of them may mean a peer that is known by another. */
const THIS_MACHINE: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether two canonical urls lead to the same port, as far as can be told without a network. */
export function isSamePlace(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [new URL(a), new URL(b)];
  const isHere = THIS_MACHINE.has(one.hostname) && THIS_MACHINE.has(other.hostname);
  return isHere && one.protocol === other.protocol && one.port === other.port;
}

/**
 * The peer that people name, as the replica knows it: by its id, or by the url under which it is known here.
 * @param known canonical urls
 * @throws RumeurError `ARGUMENT_INVALID` for what is neither a url nor an id
 */
export function targetOf(
  urlOrId: string,
  self: { readonly id: PeerId; readonly url: string },
  known: readonly string[],
): string {
  if (isId(urlOrId)) return urlOrId;
  const url = parsePeerUrl(urlOrId);
  if (known.includes(url)) return url;
  if (isSamePlace(url, self.url)) return self.id;
  return known.find((other) => isSamePlace(url, other)) ?? url;
}
