/** Sizes for people. */
function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const size = bytes / 1024 ** power;
  return `${power === 0 ? String(size) : size.toFixed(1)} ${units[power] ?? ''}`;
}

/**
 * How writes came here and what it cost, by a peer's counters: `redundancy` is needless copies for each needed one.
 * @returns nothing where nothing has come yet
 */
export function gossipLines(counters: Readonly<Record<string, number>>): string[] {
  const of = (name: string): number => counters[name] ?? 0;
  const needed = of('pushesReceived') - of('pushesDuplicate');
  const byDeltas = of('deltaEntriesReceived');
  if (needed + byDeltas === 0) return [];
  const count = (n: number): string => n.toLocaleString('en-US');
  const least = of('newsBytesReceived') + of('deltaBytesReceived');
  const hops = of('hopsCounted') === 0 ? [] : [of('hops') / of('hopsCounted'), of('hopsMost')];
  const [mean, most] = hops;
  return [
    `received ${count(needed)} writes by push and ${count(byDeltas)} by comparison; ` +
      `${count(of('pushesDuplicate'))} needless copies, redundancy ${(of('pushesDuplicate') / Math.max(1, needed)).toFixed(2)}`,
    ...(mean === undefined ? [] : [`${mean.toFixed(1)} hops on average, ${count(most ?? 0)} at most`]),
    `${count(of('graftsSent'))} grafts and ${count(of('prunesSent'))} prunes sent; ${sizeOf(of('bytesReceived'))} received, ` +
      `${sizeOf(least)} of which had to come`,
  ];
}
