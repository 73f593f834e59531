import { isIPv4, isIPv6 } from 'node:net';

/** A request with more header fields than this is refused. */
export const MAX_HEADERS = 100;

export interface GuardOptions {
  /** The host we listen on. */
  host: string;
  /** The URL under which others reach us. */
  advertise?: string;
  /** Further host names; ports are ignored. */
  allowedHosts?: readonly string[];
  /** Further origins, `scheme://host[:port]`. An entry that is none, as `null` or `*`, matches nothing. */
  allowedOrigins?: readonly string[];
}

export type Verdict = { ok: true } | { ok: false; status: 403; reason: string; hint: string };

/** Judges a request by its header fields as they came: name, value, name, value. */
export type Guard = (rawHeaders: readonly string[]) => Verdict;

const OK: Verdict = { ok: true };
const BROWSERS_SEND_ONE = 'every browser and HTTP client sends one by itself; check what is in between';
const ALLOW_HOST =
  "name the peer by localhost or its IP address, or add the name to allowedHosts in the peer's config";
const ALLOW_ORIGIN = "add the page's origin to allowedOrigins in the peer's config if it may use this peer";

/**
 * Keeps web pages of others away from a peer on the visitor's machine or network. A browser tells the truth
 * in `Host`, which stops names that were re-bound to our address, and in `Origin`, which stops foreign pages.
 * It leaves `Origin` out of plain GETs, but then says in `Sec-Fetch-Site` that the page is foreign.
 */
export function createGuard(options: GuardOptions): Guard {
  const hosts = new Set(
    [options.host, ...hostOfUrl(options.advertise), ...(options.allowedHosts ?? [])].map((host) =>
      hostName(host),
    ),
  );
  const origins = new Set(
    [options.advertise ?? '', ...(options.allowedOrigins ?? [])].map((origin) =>
      canonicalOrigin(origin.replace(/\/$/, '')),
    ),
  );
  return (rawHeaders) => {
    if (rawHeaders.length > 2 * MAX_HEADERS)
      return refuse(`more than ${MAX_HEADERS} header fields`, 'send fewer');
    const [host, ...otherHosts] = valuesOf(rawHeaders, 'host');
    const name = hostName(host ?? '');
    if (host === undefined || name === undefined || otherHosts.length > 0) {
      return refuse('the Host header is missing, duplicate or malformed', BROWSERS_SEND_ONE);
    }
    if (!isLoopbackName(name) && !isAddress(name) && !hosts.has(name)) {
      return refuse(`the host name ${name} is not one of this peer`, ALLOW_HOST);
    }
    const isAllowed = (text: string): boolean => {
      const origin = canonicalOrigin(text);
      return origin !== undefined && (origin === canonicalOrigin(`http://${host}`) || origins.has(origin));
    };
    const [origin, ...otherOrigins] = valuesOf(rawHeaders, 'origin');
    if (otherOrigins.length > 0) return refuse('the Origin header is duplicate', BROWSERS_SEND_ONE);
    if (origin !== undefined) {
      return isAllowed(origin) ? OK : refuse(`the origin ${printable(origin)} is not allowed`, ALLOW_ORIGIN);
    }
    return isForeign(rawHeaders, isAllowed)
      ? refuse('it comes from a page of another origin', ALLOW_ORIGIN)
      : OK;
  };
}

/** Whether a browser says, without naming an origin, that a foreign page asks. Following a link here is no harm. */
function isForeign(rawHeaders: readonly string[], isAllowed: (origin: string) => boolean): boolean {
  const sites = valuesOf(rawHeaders, 'sec-fetch-site');
  if (sites.every((site) => site === 'same-origin' || site === 'none')) return false;
  const isLink =
    valuesOf(rawHeaders, 'sec-fetch-mode').join() === 'navigate' &&
    valuesOf(rawHeaders, 'sec-fetch-dest').join() === 'document';
  if (isLink) return false;
  // A script tag on a page of an allowed origin sends no Origin either.
  const referer = valuesOf(rawHeaders, 'referer').join();
  return !URL.canParse(referer) || !isAllowed(new URL(referer).origin);
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/;

/** The name in `host[:port]`: lower case, no brackets, no dot at the end. Undefined if malformed. */
function hostName(host: string): string | undefined {
  const text = host.toLowerCase();
  const [, bracketed, plain] = HOST.exec(text) ?? [];
  const name =
    bracketed === undefined ? plain?.replace(/\.$/, '') : isIPv6(bracketed) ? bracketed : undefined;
  return name === '' ? undefined : name;
}

const hostOfUrl = (url: string | undefined): string[] =>
  url !== undefined && URL.canParse(url) ? [new URL(url).hostname] : [];

const isLoopbackName = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

const isAddress = (name: string): boolean => isIPv4(name) || isIPv6(name);

/** `scheme://host[:port]` in lower case, without a default port. Undefined for anything else, `null` included. */
function canonicalOrigin(text: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\\?#@\s]+$/i.test(text)) return undefined;
  if (!/^https?:/i.test(text)) return text.toLowerCase();
  return URL.canParse(text) ? new URL(text).origin : undefined;
}

const printable = (text: string): string => JSON.stringify(text.slice(0, 100));

const refuse = (reason: string, hint: string): Verdict => ({ ok: false, status: 403, reason, hint });
