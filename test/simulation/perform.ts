import { utf8 } from '../../src/base/bytes.js';
import type { BucketName } from '../../src/base/ids.js';
import type { LocalOp, WriteContext } from '../../src/data/op.js';
import { contextOf } from '../../src/data/policies/causal.js';
import { memberKey } from '../../src/data/policies/set.js';
import type { SimPeer } from '../../simulator/sim-peer.js';
import type { SimPeerOptions } from '../../simulator/sim-peer-options.js';
import { urlOf, type World } from '../../simulator/world.js';
import { flushedVector } from './checks/tombstones.js';
import type { Action, NetworkFault, PeerFault, PlannedPeer, Setup, Write } from './plan/plan.js';

/** Carries out planned actions in a world. What cannot be done any more, as a plan was reduced, is left out. */
export class Performer {
  readonly #world: World;
  readonly #setup: Setup;
  readonly #contexts = new Map<string, WriteContext>();
  /** How often each kind of action was carried out. */
  readonly done = new Map<string, number>();

  constructor(world: World, setup: Setup) {
    this.#world = world;
    this.#setup = setup;
  }

  perform(action: Action): void {
    const isWrite = 'bucket' in action && action.do !== 'flip';
    const isDone = isWrite ? this.#write(action) : this.#break(action);
    if (isDone) this.done.set(action.do, (this.done.get(action.do) ?? 0) + 1);
  }

  join(as: PlannedPeer): void {
    // In a reduced plan the one that it named may be missing.
    const own = this.#world.peers.length;
    const friends = as.friends.map((place) => (place < own ? place : 0));
    this.#world.addPeer(optionsOf({ ...as, friends }, this.#setup));
  }

  #write(action: { peer: number; bucket: string } & Write): boolean {
    const peer = this.#world.peers[action.peer];
    const name = action.bucket as BucketName;
    if (!peer?.running) return false;
    if (action.do === 'read') {
      // A reader who finds a damaged row is given nothing.
      if (peer.storage.isDamaged(name, action.key)) return false;
      const { vector } = peer.bucketNamed(name);
      this.#contexts.set(slotOf(name, action), contextOf(peer.storage.get(name, action.key), vector));
      return true;
    }
    const op = this.#opOf(action, name);
    // What waits for a process that is stopped may never be taken.
    const { isAwake } = peer;
    if (op) peer.write(name, op);
    return op !== undefined && isAwake;
  }

  #opOf(action: Exclude<Write, { do: 'read' }>, name: BucketName): LocalOp | undefined {
    const { key } = action;
    switch (action.do) {
      case 'set':
        return { key, value: valueOf(action.n) };
      case 'delete':
        return { key, value: null };
      case 'incr':
        return { key, increment: action.by };
      case 'sadd':
        return { key: memberKey(key, action.member), value: utf8('true') };
      case 'srem':
        return { key: memberKey(key, action.member), value: null };
      case 'resolve': {
        const context = this.#contexts.get(slotOf(name, action));
        return context && { key, value: action.n === null ? null : valueOf(action.n), context };
      }
    }
  }

  #break(action: ({ peer: number } & PeerFault) | NetworkFault): boolean {
    if (!('peer' in action)) return this.#breakNetwork(action);
    const peer = this.#world.peers[action.peer];
    return peer !== undefined && this.#breakPeer(peer, action);
  }

  #breakPeer(peer: SimPeer, fault: PeerFault): boolean {
    const { running } = peer;
    switch (fault.do) {
      case 'start':
        if (!running) peer.start();
        return !running;
      case 'crash':
        if (running) peer.crash(fault);
        return running;
      case 'leave':
        if (running) peer.leave();
        return running;
      case 'diskFull':
        peer.disk.full = fault.how;
        return running;
      case 'flip':
        return this.#flip(peer, fault);
      case 'wipe':
        peer.wipe();
        peer.start();
        return true;
      case 'backUp':
        peer.backUp();
        return true;
      case 'restore':
        if (!peer.restore(fault.unnoticed)) return false;
        peer.start();
        return true;
      case 'skew':
        peer.options.skewMs = fault.ms;
        return true;
      case 'stop':
        peer.stop(fault.forMs);
        return running;
      case 'slow':
        peer.slowDown(fault.everyMs, fault.forMs);
        return running;
      case 'evict':
        return running && this.#evict(peer, fault.other);
      case 'addPeer':
        peer.ask({ kind: 'addPeer', url: urlOf(fault.other) });
        return running;
      case 'dialTwice':
        return this.#world.network.dialTwice(peer, urlOf(fault.other));
      case 'compare':
        peer.ask({ kind: 'compare' });
        return running;
    }
  }

  /** Only where another disk has what is lost: nobody could bring back the only copy. */
  #flip(peer: SimPeer, { bucket, key, what }: Extract<PeerFault, { do: 'flip' }>): boolean {
    if (!peer.running) return false;
    const name = bucket as BucketName;
    const policy = peer.bucketNamed(name).policy.name;
    const others = this.#world.peers.filter((other) => other !== peer && other.policyOf(name) === policy);
    const vectors = others.map((other) => flushedVector(other, name));
    const isSafe = peer.storage
      .get(name, key)
      .every((entry) => vectors.some((vector) => vector.covers(entry)));
    return isSafe && peer.damage(name, key, what);
  }

  #evict(peer: SimPeer, other: number): boolean {
    const id = this.#world.peers[other]?.replica.peerId;
    if (id !== undefined) peer.ask({ kind: 'evict', target: id });
    return id !== undefined;
  }

  #breakNetwork(fault: NetworkFault): boolean {
    const { network, peers } = this.#world;
    switch (fault.do) {
      case 'breakLink':
        return network.breakLink(fault.link);
      case 'halfOpen':
        return network.halfOpen(fault.link, fault.side);
      case 'lag':
        return network.lag(fault.link, fault.ms, fault.forMs);
      case 'cut':
        for (const [from, to] of fault.ways) {
          const [a, b] = [peers[from], peers[to]];
          if (a && b) network.cutWay(a, b, fault.how);
        }
        return fault.ways.length > 0;
      case 'heal':
        network.heal();
        return true;
      case 'setRight':
        for (const peer of peers) peer.options.skewMs = 0;
        return true;
      case 'join':
        this.join(fault.as);
        return true;
    }
  }
}

const slotOf = (name: BucketName, { slot, key }: { slot: number; key: string }): string =>
  `${name} ${slot} ${key}`;

const valueOf = (n: number): Uint8Array => utf8(JSON.stringify(`v${n}`));

export function optionsOf(planned: PlannedPeer, setup: Setup): Partial<SimPeerOptions> {
  const { announceMs, evictAfterMs, auditMs, deltaChunkBytes } = setup;
  const { discovery, durable, flushMs, busyMs, policies, friends } = planned;
  return {
    peers: friends.map(urlOf),
    discovery,
    durable,
    flushMs,
    busyMs,
    policies,
    settings: { announceMs, evictAfterMs, auditMs, deltaChunkBytes },
  };
}
