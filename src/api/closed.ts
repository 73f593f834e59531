import { RumeurError } from '../base/errors.js';

/** What was asked of a peer that has been closed. */
export const closedError = (): RumeurError =>
  new RumeurError('PEER_UNREACHABLE', 'this peer has been closed', { hint: 'open it again' });
