/** Sizes for people. */
function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const size = bytes / 1024 ** power;
  return `${power === 0 ? String(size) : size.toFixed(1)} ${units[power] ?? ''}`;
}

/**
 * How writes came and went, and what it cost, by a peer's counters: `redundancy` is needless copies for each needed one.
 * @returns nothing where nothing has come or gone yet
 */
export function gossipLines(counters: Readonly<Record<string, number>>): string[] {
  const of = (name: string): number => counters[name] ?? 0;
  const lines = [...receivedLines(of), ...sentLines(of)];
  if (lines.length === 0) return [];
  const least = of('newsBytesReceived') + of('deltaBytesReceived');
  return [
    ...lines,
    `grafts: ${count(of('graftsSent'))} sent, ${count(of('graftsReceived'))} received; ` +
      `prunes: ${count(of('prunesSent'))} sent, ${count(of('prunesReceived'))} received`,
    `${sizeOf(of('bytesSent'))} sent; ${sizeOf(of('bytesReceived'))} received, ${sizeOf(least)} of which had to come`,
  ];
}

type Counter = (name: string) => number;

function receivedLines(of: Counter): string[] {
  const [needless, byDeltas] = [of('pushesDuplicate'), of('deltaEntriesReceived')];
  const needed = of('pushesReceived') - needless;
  if (needed + needless + byDeltas === 0) return [];
  const copies = `${count(needless)} needless ${needless === 1 ? 'copy' : 'copies'}`;
  const redundancy = (needless / Math.max(1, needed)).toFixed(2);
  const hops = of('hops') / of('hopsCounted');
  return [
    `received ${writes(needed)} by push and ${count(byDeltas)} by comparison; ${copies}, redundancy ${redundancy}`,
    ...(Number.isNaN(hops) ? [] : [`${hops.toFixed(1)} hops on average, ${count(of('hopsMost'))} at most`]),
  ];
}

function sentLines(of: Counter): string[] {
  const [pushed, byDeltas] = [of('pushesSent'), of('deltaEntriesSent')];
  return pushed + byDeltas === 0
    ? []
    : [`sent ${writes(pushed)} by push and ${count(byDeltas)} by comparison`];
}

const count = (number: number): string => number.toLocaleString('en-US');

const writes = (number: number): string => `${count(number)} write${number === 1 ? '' : 's'}`;
