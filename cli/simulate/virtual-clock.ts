import { Progress } from '../transfer/progress.js';

/** Shorter runs say nothing on their way, milliseconds. */
const PATIENCE_MS = 1000;

/** Says on stderr how far a run is, once it takes longer than a second. How much is to come nobody knows. */
export class VirtualClock {
  readonly #begun = performance.now();
  #progress: Progress | undefined;

  tell(virtualMs: number): void {
    if (performance.now() - this.#begun < PATIENCE_MS) return;
    this.#progress ??= new Progress({ label: 'simulate', total: undefined, unit: 's of virtual time' });
    this.#progress.update(0, Math.floor(virtualMs / 1000));
  }

  end(): void {
    this.#progress?.end();
  }
}
