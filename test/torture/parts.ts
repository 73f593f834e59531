import { clock } from './clock/part.js';
import { damage } from './damage/part.js';
import { faults } from './faults/part.js';
import { kill } from './kill/part.js';
import { power } from './power/part.js';
import type { Part } from './run/part.js';

/** In the order in which they are run. */
export const PARTS: readonly Part[] = [faults, power, kill, damage, clock];
