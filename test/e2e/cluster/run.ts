import { Random } from '../../../src/base/random.js';
import type { PeerProcess } from '../../tools/peer-process.js';
import { memoryOf } from './connections.js';
import { type Counts, type Cost, costOf, linksOf, minus, sumOf } from './counts.js';
import { Kills } from './kills.js';
import { Load, type Made } from './load.js';
import { LogEvents } from './log-events.js';
import { Mesh } from './mesh.js';
import type { ClusterOptions } from './options.js';
import type { Course } from './prediction.js';

const FORMED_WITHIN_MS = 120_000;
const EQUAL_WITHIN_MS = 60_000;
/** Announcements of what is on the disk are made every 5 seconds. */
const SETTLE_MS = 15_000;
const STALL_MS = 5000;
const SLOW_FOR_MS = 20_000;
/** Of each second a slow peer runs for so long, milliseconds. */
const SLOW_RUNS_MS = 150;
/** As long as it takes to announce somebody down, and more. */
const AFTERMATH_MS = 20_000;
const TELL_MS = 10_000;

/** How often the memory is looked at while peers are killed, at equal times. */
const MEMORY_LOOKS = 6;

/** Of those that are never killed. */
export interface Memory {
  /** Of the peer that has most, and on average; bytes. */
  readonly ownMost: number;
  readonly ownMean: number;
  readonly residentMean: number;
}

/** What a phase with a fault has led to. */
export interface Trouble {
  readonly events: Record<string, number>;
  /** What anybody said of others at any time, each counted once. */
  readonly said: readonly string[];
}

/** What writes have cost, and what the simulator is to play to say what they cost. */
export interface Compared {
  readonly real: Cost;
  readonly course: Course;
}

export interface Results {
  joinedMs?: number;
  formedMs?: number;
  first?: Counts;
  idle?: { readonly bytesPerLinkAndSecond: number; readonly seconds: number };
  calm?: Compared;
  stalled?: Trouble;
  slow?: Trouble;
  churn?: Compared & {
    readonly kills: number;
    readonly equalMs: number;
    readonly formedMs: number;
    readonly slowLinkMs: number | null;
    readonly downAtEnd: readonly string[];
    /** At the beginning and then after equal times. */
    readonly memory: readonly Memory[];
    readonly events: Record<string, number>;
  };
  acknowledged?: number;
  unanswered?: number;
  refused?: Record<string, number>;
  lost?: readonly string[];
  errors?: readonly string[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The phases of one run, over real processes. Each adds what it has found to the results. */
export class ClusterRun {
  readonly results: Results = {};
  readonly mesh: Mesh;
  readonly #options: ClusterOptions;
  readonly #tell: (line: string) => void;
  readonly #load: Load;
  readonly #random: Random;
  readonly #from = performance.now();

  private constructor(mesh: Mesh, random: Random, options: ClusterOptions, tell: (line: string) => void) {
    this.mesh = mesh;
    this.#random = random;
    this.#options = options;
    this.#tell = tell;
    this.#load = new Load(Random.fromNumber(random.uint32()));
  }

  static async open(options: ClusterOptions, tell: (line: string) => void): Promise<ClusterRun> {
    const random = Random.fromNumber(options.seed);
    const { peers, storage } = options;
    return new ClusterRun(await Mesh.open({ peers, storage, random }), random, options, tell);
  }

  #say(line: string): void {
    this.#tell(`${Math.round((performance.now() - this.#from) / 1000)} s: ${line}`);
  }

  async run(): Promise<void> {
    await this.#join();
    const phases = {
      idle: () => this.#idle(),
      calm: () => this.#calm(),
      stalled: () => this.#stalled(),
      slow: () => this.#slow(),
      churn: () => this.#churn(),
    };
    for (const phase of this.#options.phases) await phases[phase]();
    await this.#judge();
  }

  async #join(): Promise<void> {
    const { peers } = this.mesh;
    const from = performance.now();
    let last = from;
    for (const [i, peer] of peers.entries()) {
      await peer.start();
      if (performance.now() - last < 2000) continue;
      last = performance.now();
      this.#say(`${i + 1} of ${peers.length} peers started`);
    }
    this.results.joinedMs = performance.now() - from;
    this.results.formedMs = await this.mesh.formed(FORMED_WITHIN_MS);
    this.#say(
      `one mesh of ${peers.length} peers, ${Math.round(this.results.formedMs)} ms after the last had started`,
    );
    for (const peer of peers) await this.#load.attach(peer);
    // The very first writes: no tree has been learned from anything.
    const before = await this.#counts();
    for (let round = 0; round < 3; round++)
      for (const peer of peers) await peer.set(`first-${round}-${peer.name}`, round);
    await this.mesh.equal(EQUAL_WITHIN_MS);
    this.results.first = minus(await this.#counts(), before);
  }

  async #counts(): Promise<Counts> {
    return sumOf((await this.mesh.statuses()).map(({ counters }) => counters));
  }

  async #wait(ms: number, what: string): Promise<void> {
    for (let left = ms; left > 0; left -= TELL_MS) {
      this.#say(`${what}, ${Math.round(left / 1000)} s to go`);
      await pause(Math.min(left, TELL_MS));
    }
  }

  async #idle(): Promise<void> {
    const { calm, peers } = this.#options;
    await this.#wait(SETTLE_MS, 'the last writes settle');
    const [before, from] = [await this.#counts(), performance.now()];
    await this.#wait(calm * 1000, 'nothing is written');
    const sent = minus(await this.#counts(), before)['bytesSent'] ?? 0;
    const seconds = (performance.now() - from) / 1000;
    this.results.idle = { bytesPerLinkAndSecond: sent / linksOf(peers) / seconds, seconds };
  }

  async #calm(): Promise<void> {
    const { calm, peers } = this.#options;
    const ms = calm * 1000;
    const before = await this.#counts();
    const made = await this.#underLoad(ms, 'calm load');
    const real = costOf(minus(await this.#counts(), before), peers);
    const busyMs = await this.#busyMs();
    this.results.calm = this.#compare(real, made, { ms, busyMs, kills: [] });
  }

  async #underLoad(ms: number, what: string): Promise<Made[]> {
    const [made] = await Promise.all([this.#load.run(this.#options.rate, ms), this.#wait(ms, what)]);
    return made;
  }

  /**
   * How long processes let lie what has come in, milliseconds: where more of them want to run than there are cores, round
   * trips consist of that alone, once on either side.
   */
  async #busyMs(): Promise<number> {
    const lists = await Promise.all(this.mesh.running.map((peer) => peer.getPeers()));
    const trips = lists.flat().flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
    trips.sort((a, b) => a - b);
    return (trips[trips.length >> 1] ?? 0) / 2;
  }

  /** What the simulator says of the same writes at the same times and places, with the same faults. */
  #compare(
    real: Cost,
    made: readonly Made[],
    course: Pick<Course, 'ms' | 'kills' | 'busyMs' | 'slow'>,
  ): Compared {
    const { peers, seed } = this.#options;
    const places = new Map(this.mesh.peers.map(({ name }, place) => [name, place]));
    const writes = made.map(({ at, afterMs }) => ({ place: places.get(at) ?? 0, afterMs }));
    return { real, course: { peers, seed, writes, ...course } };
  }

  async #stalled(): Promise<void> {
    const peer = this.#random.pick(this.mesh.peers) as PeerProcess;
    this.results.stalled = await this.#trouble(peer, `${peer.name} stalls for 5 s`, async () => {
      signal(peer, 'SIGSTOP');
      await pause(STALL_MS);
      signal(peer, 'SIGCONT');
    });
  }

  async #slow(): Promise<void> {
    const peer = this.#random.pick(this.mesh.peers) as PeerProcess;
    this.results.slow = await this.#trouble(peer, `${peer.name} runs 15% of the time`, async () => {
      for (const until = performance.now() + SLOW_FOR_MS; performance.now() < until;) {
        signal(peer, 'SIGSTOP');
        await pause(1000 - SLOW_RUNS_MS);
        signal(peer, 'SIGCONT');
        await pause(SLOW_RUNS_MS);
      }
    });
  }

  /** What the others say, and what all log, while one peer is in trouble and for a while after that. */
  async #trouble(peer: PeerProcess, what: string, run: () => Promise<void>): Promise<Trouble> {
    const events = new LogEvents(this.mesh.peers);
    const others = this.mesh.peers.filter((other) => other !== peer);
    const said = new Set<string>();
    let isOver = false;
    const watch = async (): Promise<void> => {
      while (!isOver) {
        for (const line of await this.mesh.said(['suspect', 'down'], others)) said.add(line);
        await pause(500);
      }
    };
    const watching = watch();
    this.#say(what);
    const fault = run();
    await this.#underLoad(AFTERMATH_MS + STALL_MS, what);
    await fault;
    await this.mesh.equal(EQUAL_WITHIN_MS);
    isOver = true;
    await watching;
    return { events: events.counts(), said: [...said] };
  }

  async #churn(): Promise<void> {
    const { seconds, peers, killEvery, slowMs } = this.#options;
    const { mesh } = this;
    const ms = seconds * 1000;
    const kills = new Kills(mesh, this.#load, Random.fromNumber(this.#random.uint32()), mesh.slowEnds);
    const lasting = mesh.peers.filter((peer) => !kills.victims.includes(peer));
    const memory = [memoryOfAll(lasting)];
    const events = new LogEvents(mesh.peers);
    const before = await this.#counts();
    mesh.slowDown(slowMs);
    const look = setInterval(() => memory.push(memoryOfAll(lasting)), ms / MEMORY_LOOKS);
    const load = this.#underLoad(ms, 'load and kill -9');
    await kills.run(killEvery * 1000, ms);
    const made = await load;
    clearInterval(look);
    this.#say(`${kills.done.length} kills; all are back`);
    const equalMs = await mesh.equal(EQUAL_WITHIN_MS);
    const formedMs = equalMs + (await mesh.formed(FORMED_WITHIN_MS));
    const busyMs = await this.#busyMs();
    const places = [0, peers - 1] as const;
    const after = sumOf([...kills.ended, await this.#counts()]);
    this.results.churn = {
      kills: kills.done.length,
      equalMs,
      formedMs,
      slowLinkMs: await roundTripOf(mesh.slowEnds),
      downAtEnd: await mesh.said(['down', 'suspect']),
      memory,
      events: events.counts(),
      ...this.#compare(costOf(minus(after, before), peers), made, {
        ms,
        busyMs,
        kills: kills.done,
        slow: { places, ms: slowMs },
      }),
    };
  }

  async #judge(): Promise<void> {
    await this.mesh.equal(EQUAL_WITHIN_MS);
    const [first] = this.mesh.peers;
    this.results.lost = first ? await this.#load.lostAt(first) : [];
    this.results.acknowledged = this.#load.acknowledged;
    this.results.unanswered = this.#load.unanswered;
    this.results.refused = Object.fromEntries(this.#load.refused);
    this.results.errors = LogEvents.errorsIn(this.mesh.peers);
  }

  async close(): Promise<void> {
    this.#load.close();
    await this.mesh.close();
  }
}

function signal({ pid }: PeerProcess, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid !== undefined) process.kill(pid, name);
}

/** The round trip of a link as one of its ends has measured it. */
async function roundTripOf([one, other]: readonly [PeerProcess, PeerProcess]): Promise<number | null> {
  return (await one.getPeers()).find(({ id }) => id === other.id)?.rttMs ?? null;
}

function memoryOfAll(peers: readonly PeerProcess[]): Memory {
  const all = peers.flatMap(({ pid }) => (pid === undefined ? [] : [memoryOf(pid)]));
  const mean = (values: readonly number[]): number => values.reduce((sum, n) => sum + n, 0) / values.length;
  const own = all.map((memory) => memory.own);
  const resident = all.map((memory) => memory.resident);
  return { ownMost: Math.max(...own), ownMean: mean(own), residentMean: mean(resident) };
}
