import { RumeurError } from '../base/errors.js';

/** What a watcher hears when the disk has failed. */
export const watchEnded = ({ code, message }: RumeurError): RumeurError =>
  new RumeurError(code, `the watch has ended, what it told of may be undone: ${message}`, {
    hint: 'watch again, then read the present values',
  });
