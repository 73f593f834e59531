import { RumeurError } from './errors.js';

/** A DNS name has at most 253 characters; with scheme, brackets and port this is plenty. */
const LONGEST_URL = 300;
const SHAPE = /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/]+)\/*$/i;
/** The URL class silently drops or rewrites these, so that two readers could see two different addresses. */
const UNSAFE = /[\s\\\p{Cc}]/u;
const FORMS = 'write http://host:port, host:port, or just the port of a peer on this machine';

/**
 * The canonical URL of a peer, `http://host:port` or `https://host:port`: lower case, port always written,
 * no slash at the end. The canonical form of a canonical URL is itself.
 *
 * @param input a URL, `host:port`, or the port of a peer on this machine (a number or its digits). Without
 * a scheme the port is required and the scheme is http; with one it defaults to 80 or 443.
 * @throws RumeurError `ARGUMENT_INVALID` on anything else: paths, queries, fragments, user names, other schemes.
 */
export function parsePeerUrl(input: string | number): string {
  const text = typeof input === 'number' ? String(input) : input.trim();
  if (typeof input === 'number' || /^\d+$/.test(text)) return `http://127.0.0.1:${portOf(text, text)}`;
  if (text.length > LONGEST_URL)
    throw invalid(`${text.slice(0, 40)}...`, `longer than ${LONGEST_URL} characters`);
  if (UNSAFE.test(text)) throw invalid(text, 'white space, a control character or a backslash in it');
  if (text.includes('?') || text.includes('#')) throw invalid(text, 'a query or fragment');
  if (text.includes('@')) throw invalid(text, 'a user name or password');
  const parts = SHAPE.exec(text);
  const authority = parts?.[2];
  if (authority === undefined) throw invalid(text, text === '' ? 'nothing in it' : 'a path or no host');
  const scheme = parts?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    throw invalid(text, `the scheme ${scheme}://, which peers do not speak`);
  }
  return canonical(text, scheme, authority);
}

function canonical(text: string, scheme: 'http' | 'https' | undefined, authority: string): string {
  if (!authority.startsWith('[') && authority.split(':').length > 2) {
    throw invalid(text, 'more than one colon', 'an IPv6 address goes in brackets: [::1]:3001');
  }
  const written = /:([^:\]]*)$/.exec(authority)?.[1];
  if (written === undefined && scheme === undefined)
    throw invalid(text, 'no port', `for example ${authority}:3001`);
  const port = written === undefined ? (scheme === 'https' ? 443 : 80) : portOf(text, written);
  const url = `${scheme ?? 'http'}://${authority}`;
  if (!URL.canParse(url)) throw invalid(text, 'no valid host name or IP address');
  return `${scheme ?? 'http'}://${new URL(url).hostname}:${port}`;
}

function portOf(text: string, digits: string): number {
  const port = /^\d{1,9}$/.test(digits) ? Number(digits) : 0;
  if (port < 1 || port > 65_535) {
    throw invalid(text, 'no valid port', 'a port is a whole number from 1 to 65535');
  }
  return port;
}

const invalid = (text: string, what: string, hint: string = FORMS): RumeurError =>
  new RumeurError('ARGUMENT_INVALID', `${JSON.stringify(text)} is no address of a peer: it has ${what}`, {
    hint,
  });
