import { activeLinks, type Core } from '../core.js';

/**
 * Whether all peers are linked to each other, or soon will be: peers tell each other of one another, and all that we are
 * linked to can be dialled. Only of a cluster that is no crowd. It is a guess that saves traffic where it is right: while
 * peers come and go some links are always about to be made.
 */
export const isMesh = (core: Core): boolean =>
  core.options.discovery && activeLinks(core).every(({ hello }) => hello?.url !== null);
