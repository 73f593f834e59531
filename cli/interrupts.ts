/** npm passes a Ctrl-C on to what the terminal has signalled already: two signals, one Ctrl-C. */
const SAME_INTERRUPT_MS = 300;

export interface InterruptHandlers {
  /** The first Ctrl-C, or SIGTERM. */
  readonly onStop: () => void;
  /** A second Ctrl-C from someone who does not want to wait. */
  readonly onForce: () => void;
}

/** Calls `onStop` once, whatever else arrives. */
export function handleInterrupts({ onStop, onForce }: InterruptHandlers): void {
  let stoppedAt: number | undefined;
  const stop = (): void => {
    if (stoppedAt !== undefined) return;
    stoppedAt = performance.now();
    onStop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', () => {
    if (stoppedAt !== undefined && performance.now() - stoppedAt > SAME_INTERRUPT_MS) onForce();
    else stop();
  });
}

/** The exit code of a forced end, as a shell reports a death by SIGINT. */
export const FORCED = 130;
