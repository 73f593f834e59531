import { isatty } from 'node:tty';
import picocolors from 'picocolors';

/**
 * Colours for stdout, on a terminal only, and not where NO_COLOR asks for none. Picocolors alone would also colour
 * what a build server keeps as text.
 */
export const pc = picocolors.createColors(isatty(1) && picocolors.isColorSupported);
