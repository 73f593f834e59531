import type { BucketName, PeerId } from '../base/ids.js';
import type { ReconcileOutcome, ReconcileReport } from './reconcile/report.js';

/** What was found in one bucket between a linked peer and us. */
export interface Comparison {
  readonly peer: PeerId;
  readonly bucket: BucketName;
  /**
   * How the session ended, or why there was none: the two sides give the bucket different policies (`refused`), the other
   * side does not have it (`absent`), or it was being reconciled all the time (`busy`).
   */
  readonly outcome: ReconcileOutcome | 'refused' | 'absent' | 'busy';
  /** What the session found, as far as it went; `undefined` when there was none. */
  readonly report: ReconcileReport | undefined;
}
