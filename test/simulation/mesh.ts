import { activeLinks } from '../../src/replica/core.js';
import type { World } from '../../simulator/world.js';

/** Whether every running peer gossips with every other one, and no link is left in which only one side believes. */
export const isFullMesh = ({ running, network }: World): boolean =>
  running.every((peer) => {
    const { core } = peer.replica;
    if (activeLinks(core).length !== running.length - 1) return false;
    return [...core.links.values()].every(({ id, closing }) => closing || network.isSound(id));
  });
