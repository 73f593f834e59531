/** How what lies between two peers is broken. */
export type Cut =
  /** Connections break at once, and new ones are refused. */
  | 'broken'
  /** Nothing passes, and nobody is told: links stay half open. */
  | 'silent'
  /** Nothing passes from the first peer to the second; the other way all goes on. */
  | 'one-way';

/** The network of a number of peers, who are known by their places 0, 1, 2, ... */
export interface Network {
  readonly kind: 'proxies' | 'namespaces';
  /** The ways of cutting that this network knows. */
  readonly cuts: readonly Cut[];
  /** The part of a peer's config that this network decides. */
  configOf(place: number): { port: number; host?: string; insecure?: boolean; peers: (number | string)[] };
  /** The words that a peer's command line begins with, so that it runs in this network. */
  launcherOf(place: number): readonly string[];
  /** Cuts these two peers from each other. What was cut before in another way is healed first. */
  cut(from: number, to: number, how: Cut): Promise<void>;
  /** Mends what is cut between these two peers. */
  heal(a: number, b: number): Promise<void>;
  close(): Promise<void>;
}

/** All pairs of `count` places, the lower one first. */
export function pairsOf(count: number): [low: number, high: number][] {
  const pairs: [number, number][] = [];
  for (let high = 1; high < count; high++) for (let low = 0; low < high; low++) pairs.push([low, high]);
  return pairs;
}
