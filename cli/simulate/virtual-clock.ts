import type { ExperimentProgress } from '../../simulator/experiment/options.js';
import { shownSeconds, TerminalLine } from '../transfer/progress.js';

/** Shorter runs say nothing on their way, milliseconds. */
const PATIENCE_MS = 1000;

const STAGES: Readonly<Record<ExperimentProgress['stage'], string>> = {
  forming: 'the cluster forms',
  writing: 'writes and faults',
  settling: 'until all have everything',
};

/** Says on stderr how far a run is, once it takes longer than a second. */
export class VirtualClock {
  readonly #begun = performance.now();
  #line: TerminalLine | undefined;

  tell(progress: ExperimentProgress): void {
    const ranMs = performance.now() - this.#begun;
    if (ranMs < PATIENCE_MS) return;
    this.#line ??= new TerminalLine('simulate');
    this.#line.show(() => progressText(progress, ranMs / 1000));
  }

  end(): void {
    this.#line?.end();
  }
}

/** `43.2%, writes and faults, at 13.9 s of virtual time, 25 s left` */
export function progressText({ stage, share, virtualMs }: ExperimentProgress, ranSeconds: number): string {
  const isKnown = stage === 'writing' && share > 0;
  const left = isKnown ? [`${shownSeconds((ranSeconds * (1 - share)) / share)} left`] : [];
  const at = `at ${(virtualMs / 1000).toFixed(1)} s of virtual time`;
  return [`${(Math.floor(1000 * share) / 10).toFixed(1)}%`, STAGES[stage], at, ...left].join(', ');
}
