import { Allowance, type Rate } from '../../base/allowance.js';
import type { KnownAddress } from '../../protocol/address-book.js';
import { spend } from './quotas.js';

/** A mesh of 50 that goes and comes back at once; then one in two seconds. */
const COMINGS: Rate = { most: 128, perMs: 1 / 2_000 };
/** Enough to see that hearsay leads nowhere. */
const FAILED_HEARSAY: Rate = { most: 32, perMs: 1 / 10_000 };

/** Keeps those who come and go, or tell of made-up addresses, from filling the log. */
export class Talk {
  readonly #comings = new Allowance(0, COMINGS);
  readonly #failures = new Allowance(0, FAILED_HEARSAY);

  /** Somebody has come or gone. */
  ofComing(now: number): 'info' | 'debug' {
    return levelOf(this.#comings, now);
  }

  /** A dial has failed: the first time it is said. In a crowd hearsay is forgotten by then. */
  ofFailure(known: KnownAddress | undefined, now: number): 'info' | 'debug' {
    if (!known || known.failures > 1) return 'debug';
    const isHearsay = known.record.source === 'gossip' && !known.proven;
    return isHearsay ? levelOf(this.#failures, now) : 'info';
  }
}

const levelOf = (allowance: Allowance, now: number): 'info' | 'debug' =>
  spend(allowance, now, 1) ? 'info' : 'debug';
