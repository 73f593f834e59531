import { RumeurError } from '../base/errors.js';
import { parsePeerUrl } from '../base/url.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/** Whether what listens on `host` can be reached from this machine only. */
export const isLoopbackHost = (host: string): boolean => LOOPBACK.test(host);

/** A host name or IP address, IPv6 without brackets, as one gives it to `listen`. */
export function isHost(host: string): boolean {
  if (!/^[^\s\p{Cc}/\\@?#%[\]]{1,253}$/u.test(host)) return false;
  return URL.canParse(`http://${host.includes(':') ? `[${host}]` : host}`);
}

/** A web origin exactly as browsers send it: scheme and host, the port only where it is not the usual one. */
export const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** What is wrong with a peer's address, `undefined` when nothing is. */
export function urlProblem(input: string): string | undefined {
  try {
    parsePeerUrl(input);
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof RumeurError)) throw thrown;
    return thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})`;
  }
}
