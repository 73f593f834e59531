import { Allowance, type Rate } from '../base/allowance.js';
import type { BucketName, LinkId, PeerId, SessionId } from '../base/ids.js';
import type { VersionVector } from '../data/version-vector.js';
import { MAX_ADDRESSES, MAX_ORIGINS, PUSH_WINDOW_BYTES } from './limits.js';
import type { Hello } from './messages.js';
import { RoundTrips } from './round-trips.js';

/** One connection to another peer, from its opening to its end. */
export interface Link {
  readonly id: LinkId;
  readonly direction: 'in' | 'out';
  /** What we dialled; absent for links that were dialled to us. */
  readonly url: string | undefined;
  /** The other side's network address, for logs. */
  readonly remote: string;
  readonly openedAt: number;
  /** The other side's HELLO, once it has come. */
  hello: Hello | undefined;
  /** We asked for its end; nothing more is sent or heeded. */
  closing: boolean;
  /** When anything last came, on the clock of our own waking hours (`OwnDelay`). */
  heardAt: number;
  /** When a ping was last sent, and which one waits for its answer. */
  pingSentAt: number;
  ping: OpenPing | undefined;
  rttMs: number | null;
  readonly roundTrips: RoundTrips;
  /** Operations that had come here otherwise when the last ping was sent that was answered (`newsBeside`). */
  confirmedNews: number | undefined;
  /** The other side's wall clock minus our monotonic one, milliseconds: our own wall clock may jump at any time. */
  clockLead: number;
  readonly flow: Flow;
  readonly traffic: Traffic;
  /** What the other side is known to cover. */
  readonly vectors: Map<BucketName, VersionVector>;
  /** The code with which either side ended the link. */
  goodbye: string | undefined;
  /** Since when, by our wall clock, the two sides are known to cover different operations of a bucket. */
  readonly apartSince: Map<BucketName, number>;
  /** Buckets that are not replicated over this link, because the two sides disagree about their policies. */
  readonly refused: Set<BucketName>;
  /** How many peers its other side knows, as it last said, if it keeps links to a few of them only; else 0. */
  crowd: number;
  /** What the other side may still do of what a sound peer does rarely, if at all. */
  readonly leniency: Allowance;
  readonly quotas: Quotas;
}

/** What the other side of a link may ask and tell; a unit is a question, a shuffle, an address, a mark, a row, a byte. */
export interface Quotas {
  readonly probes: Allowance;
  /** Questions about others and shuffles that we send it, whoever gives us cause: below what an honest side takes. */
  readonly asked: Allowance;
  readonly shuffles: Allowance;
  readonly walked: Allowance;
  readonly addresses: Allowance;
  /** Evictions and down marks that change a record, which is then written whole. */
  readonly marks: Allowance;
  /** Addresses that records of members bring. */
  readonly memberAddresses: Allowance;
  /** Addresses of peers that we have met and tell it: an honest teller stays below the bound for `addresses`. */
  readonly told: Allowance;
  /** Messages that nobody sends by the thousand, see `affords`. */
  readonly chatter: Allowance;
  /** Rows of announcements of news. */
  readonly haves: Allowance;
  /** Pushes that bring no news, one for each KiB of them. */
  readonly stale: Allowance;
  /** Rows of grafts and prunes. */
  readonly grafts: Allowance;
  /** Bytes that it gets by grafts. */
  readonly answers: Allowance;
}

/** A ping that was not answered yet. */
export interface OpenPing {
  readonly id: number;
  readonly sentAt: number;
  /** When it was sent, and sent again because nothing came in time, on the clock of our own waking hours. */
  readonly awakeAt: number;
  repeatedAt: number | undefined;
  /** Operations that had come here otherwise when it was sent first. */
  readonly news: number;
}

/** Byte credits in both directions: see ACK in docs/PROTOCOL.md. */
export interface Flow {
  sent: number;
  acknowledged: number;
  received: number;
  receivedAcknowledged: number;
  /** Pushes were left out because the window was full; a digest is due when it empties. */
  lagging: boolean;
}

/** Whether the other side has taken enough of what was sent that more may be pushed. */
export const hasPushRoom = ({ flow }: Link): boolean => flow.sent - flow.acknowledged < PUSH_WINDOW_BYTES;

/** Operations that crossed a link, pushes and deltas apart. */
export interface Traffic {
  pushesSent: number;
  pushesReceived: number;
  deltasSent: number;
  deltasReceived: number;
  /** Comparisons of digests that have come to an answer on this link. */
  rounds: number;
}

/**
 * The misdeeds on one link that end it: a hundred at once; one a minute is forgiven. A link lives for months, and messages
 * cross now and then; whoever does it more often than that, for hours, is not sound.
 */
const MISDEEDS: Rate = { most: 100, perMs: 1 / 60_000 };

/** Half of a cluster may fall silent at once, and each of us is asked about some of it, again and again. */
const PROBES: Rate = { most: 64, perMs: 1 / 200 };
/** Well below that: who comes and goes has us ask our neighbours, and none of them is to end its link with us for it. */
const ASKED: Rate = { most: 32, perMs: 1 / 400 };
/** A sound neighbour's own, and those that it passes on: about one in 20 s. */
const SHUFFLES: Rate = { most: 32, perMs: 1 / 1_000 };
/** Well below that: what somebody sends without end is not passed on without end. */
const WALKED: Rate = { most: 16, perMs: 1 / 2_000 };
/** All that anybody keeps, twice; then as many as peers ever join in a second. */
const ADDRESSES: Rate = { most: 2 * MAX_ADDRESSES, perMs: 1 / 50 };
/** All members that anybody keeps; then as many as ever go down in a second. */
const MARKS: Rate = { most: 1024, perMs: 1 / 100 };
/** Enough to find the others by; the rest comes by other ways. */
const MEMBER_ADDRESSES: Rate = { most: 256, perMs: 1 / 1_000 };
/** With what a new neighbour is told at once, well below what it takes. */
const TOLD: Rate = { most: MAX_ADDRESSES / 2, perMs: 1 / 100 };
/** Of pings that is one in 10 ms at the utmost, of acknowledgements one for 256 KiB that came. */
const CHATTER: Rate = { most: 4_096, perMs: 4 };
/** A sound peer tells of each origin that writes a few times a second. */
const HAVES: Rate = { most: 2 * MAX_ORIGINS, perMs: 50 };
/**
 * Far more than trees cost while they are learned, and than a sound peer has under way to one that was cut off or stalled
 * (4 MiB): 64 MiB at once, and then as many in a second as a neighbour that floods all writes of a busy cluster.
 */
const STALE: Rate = { most: 2 ** 16, perMs: 4 };
/** A sound peer asks for little, and leaves each tree once. */
const GRAFTS: Rate = { most: 2 ** 16, perMs: 10 };
/** What is lost in a second of a fast link, then 2 MB a second. */
const ANSWERS: Rate = { most: 4 * 2 ** 20, perMs: 2_000 };

export function openLink(
  id: LinkId,
  direction: 'in' | 'out',
  remote: string,
  url: string | undefined,
  now: number,
  awake = now,
): Link {
  return {
    id,
    direction,
    url,
    remote,
    openedAt: now,
    hello: undefined,
    closing: false,
    heardAt: awake,
    pingSentAt: 0,
    ping: undefined,
    rttMs: null,
    roundTrips: new RoundTrips(),
    confirmedNews: undefined,
    clockLead: 0,
    flow: { sent: 0, acknowledged: 0, received: 0, receivedAcknowledged: 0, lagging: false },
    traffic: { pushesSent: 0, pushesReceived: 0, deltasSent: 0, deltasReceived: 0, rounds: 0 },
    vectors: new Map(),
    goodbye: undefined,
    apartSince: new Map(),
    refused: new Set(),
    crowd: 0,
    leniency: new Allowance(now, MISDEEDS),
    quotas: {
      probes: new Allowance(now, PROBES),
      asked: new Allowance(now, ASKED),
      shuffles: new Allowance(now, SHUFFLES),
      walked: new Allowance(now, WALKED),
      addresses: new Allowance(now, ADDRESSES),
      marks: new Allowance(now, MARKS),
      memberAddresses: new Allowance(now, MEMBER_ADDRESSES),
      told: new Allowance(now, TOLD),
      chatter: new Allowance(now, CHATTER),
      haves: new Allowance(now, HAVES),
      stale: new Allowance(now, STALE),
      grafts: new Allowance(now, GRAFTS),
      answers: new Allowance(now, ANSWERS),
    },
  };
}

/** Dials of each other that began within this time crossed, milliseconds: a handshake takes no longer. */
const SAME_TIME_MS = 5_000;

/**
 * Which links must end now that `link` has finished its handshake, among those to the same peer.
 * Both sides come to the same answer, whichever handshake each sees finish first:
 * - links of a former session of that peer end;
 * - of two links dialled by different sides at about the same time, the one dialled by the lower peer id stays; else
 *   the younger, as nobody dials a peer to whom it still has a link: the older one is half dead;
 * - of two that we dialled, the older stays. (Of two dialled to us the other side will close one.)
 */
export function rivalsToClose(link: Link, others: readonly Link[], self: PeerId): Link[] {
  const hello = link.hello;
  if (!hello) return [];
  const losers: Link[] = [];
  for (const other of others) {
    if (other.hello?.session !== hello.session) losers.push(other);
    else if (other.direction !== link.direction) {
      const kept = self < hello.peer ? 'out' : 'in';
      const isLater = link.openedAt - other.openedAt > SAME_TIME_MS;
      losers.push(isLater || link.direction === kept ? other : link);
    } else if (link.direction === 'out') losers.push(link);
  }
  return losers;
}

/** Of several links to one session, the one that carries our gossip: the youngest, as older ones may be half dead. */
export const youngest = (links: readonly Link[]): Link | undefined =>
  links.reduce<Link | undefined>((best, link) => (best ? younger(best, link) : link), undefined);

/** Of two opened at the same time the second one. */
export const younger = (a: Link, b: Link): Link => (a.openedAt > b.openedAt ? a : b);

export interface Self {
  readonly peer: PeerId;
  readonly session: SessionId;
  readonly cluster: string;
  readonly protocol: readonly [min: number, max: number];
}

export type Verdict =
  { accept: true } | { accept: false; self: boolean; code: string; reason: string; hint?: string };

/** Whether to go on with a peer that has introduced itself. */
export function judgeHello(hello: Hello, self: Self): Verdict {
  const refuse = (code: string, reason: string): Verdict => ({ accept: false, self: false, code, reason });
  const [min, max] = hello.protocol;
  if (max < self.protocol[0] || min > self.protocol[1]) {
    const theirs = `${min} to ${max}`;
    return refuse(
      'PROTOCOL_MISMATCH',
      `it speaks protocol ${theirs}, we speak ${self.protocol[0]} to ${self.protocol[1]}`,
    );
  }
  if (hello.cluster !== self.cluster) {
    return refuse('CLUSTER_MISMATCH', `it belongs to cluster '${hello.cluster}', we to '${self.cluster}'`);
  }
  if (hello.peer !== self.peer) return { accept: true };
  if (hello.session === self.session) {
    return { accept: false, self: true, code: 'PEER_REFUSED', reason: 'this address leads to ourselves' };
  }
  return refuse(
    'PEER_REFUSED',
    'another process runs under our own peer id: one of two copies of a data directory',
  );
}

/** A bucket that two peers have under different policies. */
export interface PolicyMismatch {
  readonly bucket: BucketName;
  readonly ours: string;
  readonly theirs: string;
}

/** The buckets of a HELLO that we have too, under another policy: replicating them would make the two diverge. */
export function policyMismatches(
  hello: Hello,
  ours: ReadonlyMap<BucketName, { readonly policy: { readonly name: string } }>,
): PolicyMismatch[] {
  return hello.buckets.flatMap(({ bucket, policy }) => {
    const own = ours.get(bucket)?.policy.name;
    return own === undefined || own === policy ? [] : [{ bucket, ours: own, theirs: policy }];
  });
}
