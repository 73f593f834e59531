import type { BucketComparison, DifferentWrite } from '../../src/api/comparison.js';
import type { PeerInfo } from '../../src/api/service.js';
import { RumeurError } from '../../src/base/errors.js';
import type { PeerClient } from '../client.js';
import { pc } from '../colors.js';
import { shownName } from '../output.js';
import type { Session } from '../session.js';
import { type Cell, table } from '../table.js';
import { Progress } from '../transfer/progress.js';

/** A peer takes no longer for one comparison, with all that it waits for before, milliseconds. */
const COMPARISON_MS = 400_000;
const REDRAW_MS = 1000;
/** Differences that the text names of each comparison. */
const NAMED = 20;

/**
 * Compares bucket by bucket, so that there is progress to show.
 * @throws RumeurError `PEER_UNREACHABLE` when there is nobody to compare with, and what the event throws for a peer by name
 */
export async function comparePeers(session: Session, peer: string | undefined): Promise<BucketComparison[]> {
  const client = await session.connect();
  const timeoutMs = COMPARISON_MS * (peer === undefined ? await countLinked(client) : 1);
  const buckets = await bucketsOf(client, session.options.bucket);
  const progress = new Progress({ label: 'verify', total: buckets.length, unit: 'buckets' });
  const comparisons: BucketComparison[] = [];
  let done = 0;
  const timer = setInterval(() => progress.update(done, done), REDRAW_MS);
  try {
    for (const bucket of buckets) {
      const options = peer === undefined ? { bucket } : { bucket, peer };
      const { value } = await client.callWithin(timeoutMs, 'verify', options);
      comparisons.push(...(value as BucketComparison[]));
      progress.update(++done, done);
    }
  } finally {
    clearInterval(timer);
    progress.end();
  }
  return comparisons;
}

/** How many peers there are to compare with. */
async function countLinked(client: PeerClient): Promise<number> {
  const { value } = await client.call('getPeers', {});
  const linked = (value as PeerInfo[]).filter(({ state }) => state === 'connected').length;
  if (linked > 0) return linked;
  throw new RumeurError('PEER_UNREACHABLE', 'no other peer is connected: nothing to compare with', {
    hint: 'getPeers shows those that are known; --store checks the data of this one when it is stopped',
  });
}

async function bucketsOf(client: PeerClient, bucket: string | undefined): Promise<string[]> {
  if (bucket !== undefined) return [bucket];
  const { value } = await client.call('buckets', {});
  return Object.keys(value as object);
}

/** Comparisons for people: a table, then what differs by name. */
export function comparisonsText(comparisons: readonly BucketComparison[]): string {
  const rows = comparisons.map((one) => [
    peerText(one),
    one.bucket,
    shownResult(one.result),
    count(one.behind),
    count(one.ahead),
    count(one.result === 'refused' ? null : one.differences),
    one.roundTrips.toLocaleString('en-US'),
    one.bytes.toLocaleString('en-US'),
  ]);
  const head = ['peer', 'bucket', 'result', 'we lack', 'it lacks', 'differences', 'round trips', 'bytes'];
  const remarks = comparisons.flatMap(remarksOn);
  const parts = [
    table(head, rows).trimEnd(),
    ...(remarks.length > 0 ? [remarks.join('\n')] : []),
    verdictText(comparisons),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** What was found, and in how much nothing could be found. */
function verdictText(comparisons: readonly BucketComparison[]): string {
  const different = comparisons.filter(({ result }) => result === 'lagging' || result === 'different').length;
  const equal = comparisons.filter(({ result }) => result === 'equal').length;
  const all = comparisons.length;
  const left = all - equal - different;
  if (left === 0) return different === 0 ? pc.green('nothing differs') : pc.yellow('something differs');
  if (left === all) return pc.yellow(`none of ${all} could be compared`);
  const found = different === 0 ? 'nothing differs, but' : 'something differs, and';
  return pc.yellow(`${found} ${left} of ${all} could not be compared`);
}

const peerText = ({ url, name, peer }: BucketComparison): string => url ?? name ?? peer;

const count = (value: number | null): string => (value === null ? '-' : value.toLocaleString('en-US'));

function shownResult(result: BucketComparison['result']): Cell {
  if (result === 'equal') return { styled: pc.green(result) };
  return { styled: result === 'lagging' ? pc.yellow(result) : pc.red(result) };
}

function remarksOn(comparison: BucketComparison): string[] {
  const { bucket, reason, differences, examples, unsettled } = comparison;
  const subject = `${shownName(peerText(comparison))}, bucket ${bucket}`;
  const lines = reason === null ? [] : [`${subject}: ${shownName(reason)}`];
  if (differences > 0) {
    lines.push(`${subject}: ${writes(differences)} although both have received the same`);
    const named = examples.slice(0, NAMED);
    lines.push(...named.map(exampleText));
    if (differences > named.length)
      lines.push(`  and ${(differences - named.length).toLocaleString('en-US')} more`);
  }
  if (unsettled > 0) {
    lines.push(`${subject}: ${writes(unsettled)}, perhaps because of writes that are on their way`);
  }
  return lines;
}

const writes = (number: number): string =>
  number === 1 ? '1 write differs' : `${number.toLocaleString('en-US')} writes differ`;

const WHERE: Readonly<Record<DifferentWrite['where'], string>> = {
  'only-here': 'held here, and gone there',
  'replaced-there': 'held here, and replaced there',
  'only-there': 'held there, and not here',
  content: 'held here and there with different content',
};

function exampleText({ key, member, dot, where }: DifferentWrite): string {
  const name = member === undefined ? shownName(key) : `${shownName(key)}: ${shownName(member)}`;
  return `  ${name}  ${WHERE[where]} (${dot})`;
}
