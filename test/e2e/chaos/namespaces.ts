import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { eventually } from '../../tools/eventually.js';
import type { Cut, Network } from './network.js';

const run = promisify(execFile);
const BRIDGE = 'chaos';
const PORT = 4000;
const FIRST_HOST = 11;
const addressOf = (host: number): string => `10.91.0.${host}`;
const hostOf = (place: number): string => addressOf(FIRST_HOST + place);

/**
 * Each peer in a network namespace of its own, on one bridge: packets are dropped as a broken network drops them. For a
 * test that itself runs in a namespace where it is root (`scripts/chaos.mjs`), so that nothing is left behind.
 */
export class NamespaceNetwork implements Network {
  readonly kind = 'namespaces';
  readonly cuts = ['silent', 'one-way'] as const;
  /** Processes that do nothing but keep a namespace; they end with their input. */
  readonly #holders: ChildProcess[] = [];

  static async open(count: number): Promise<NamespaceNetwork> {
    const network = new NamespaceNetwork();
    await ip('link', 'add', BRIDGE, 'type', 'bridge');
    await ip('addr', 'add', `${addressOf(1)}/24`, 'dev', BRIDGE);
    await ip('link', 'set', BRIDGE, 'up');
    for (let place = 0; place < count; place++) await network.#attach(place);
    return network;
  }

  async #attach(place: number): Promise<void> {
    const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
    this.#holders.push(holder);
    const pid = String(holder.pid);
    await eventually('the namespace is there', () => namespaceOf(pid) !== namespaceOf('self'));
    const near = `${BRIDGE}${place}`;
    await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid);
    await ip('link', 'set', near, 'master', BRIDGE, 'up');
    await this.#within(place, 'addr', 'add', `${hostOf(place)}/24`, 'dev', 'eth0');
    await this.#within(place, 'link', 'set', 'eth0', 'up');
    await this.#within(place, 'link', 'set', 'lo', 'up');
  }

  async #within(place: number, ...args: string[]): Promise<void> {
    const [command = '', ...rest] = [...this.launcherOf(place), 'ip', ...args];
    await run(command, rest);
  }

  configOf(place: number): { port: number; host: string; insecure: boolean; peers: string[] } {
    const lower = Array.from({ length: place }, (_, low) => `${hostOf(low)}:${PORT}`);
    return { port: PORT, host: hostOf(place), insecure: true, peers: lower };
  }

  launcherOf(place: number): readonly string[] {
    return ['nsenter', '--net', '--target', String(this.#holders[place]?.pid)];
  }

  /** Routes that swallow what is sent: unlike a reset, neither side is told. */
  async cut(from: number, to: number, how: Cut): Promise<void> {
    await this.heal(from, to);
    await this.#within(from, 'route', 'add', 'blackhole', hostOf(to));
    if (how !== 'one-way') await this.#within(to, 'route', 'add', 'blackhole', hostOf(from));
  }

  async heal(a: number, b: number): Promise<void> {
    await this.#within(a, 'route', 'flush', 'type', 'blackhole', 'to', 'exact', hostOf(b));
    await this.#within(b, 'route', 'flush', 'type', 'blackhole', 'to', 'exact', hostOf(a));
  }

  async close(): Promise<void> {
    for (const holder of this.#holders) holder.stdin?.end();
    await ip('link', 'del', BRIDGE);
  }
}

const ip = (...args: string[]): Promise<unknown> => run('ip', args);

const namespaceOf = (pid: string): string => readlinkSync(`/proc/${pid}/ns/net`);
