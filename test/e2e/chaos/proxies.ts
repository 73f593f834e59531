import { freePorts } from '../../tools/ports.js';
import { Proxy } from '../../tools/proxy.js';
import { type Cut, type Network, pairsOf } from './network.js';

/** A full mesh over loopback in which each link goes through a proxy of its own: the later peer dials the earlier one. */
export class ProxyNetwork implements Network {
  readonly kind = 'proxies';
  readonly cuts = ['broken', 'silent', 'one-way'] as const;
  readonly #ports: readonly number[];
  readonly #proxies = new Map<string, Proxy>();

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  static async open(count: number): Promise<ProxyNetwork> {
    const network = new ProxyNetwork(await freePorts(count));
    for (const [low, high] of pairsOf(count))
      network.#proxies.set(nameOf(low, high), await Proxy.to(network.#ports[low] ?? 0));
    return network;
  }

  configOf(place: number): { port: number; peers: number[] } {
    const lower = Array.from({ length: place }, (_, low) => this.#between(low, place).port);
    return { port: this.#ports[place] ?? 0, peers: lower };
  }

  launcherOf(): readonly string[] {
    return [];
  }

  #between(a: number, b: number): Proxy {
    const proxy = this.#proxies.get(nameOf(a, b));
    if (!proxy) throw new Error(`no proxy between ${a} and ${b}`);
    return proxy;
  }

  cut(from: number, to: number, how: Cut): Promise<void> {
    const proxy = this.#between(from, to);
    proxy.heal();
    if (how === 'broken') proxy.cut();
    else if (how === 'silent') proxy.hold('both');
    else proxy.hold(from > to ? 'towards' : 'back');
    return Promise.resolve();
  }

  heal(a: number, b: number): Promise<void> {
    this.#between(a, b).heal();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
  }
}

const nameOf = (a: number, b: number): string => `${Math.min(a, b)}-${Math.max(a, b)}`;
