import type { Link } from '../protocol/link.js';
import type { Turn } from './turn.js';

/** Takes note of a misdeed of a link's other side; who does too much of it is sent away. */
export type Suspect = (turn: Turn, link: Link, what: string, weight: number) => void;
