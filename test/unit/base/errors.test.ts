import { describe, expect, test } from '@jest/globals';
import { RumeurError, toRumeurError } from '../../../src/base/errors.js';

describe('errors', () => {
  test('an error keeps its code, hint and cause', () => {
    const cause = new Error('disk');
    const error = new RumeurError('DISK_FULL', 'no room', { hint: 'make room', cause });
    expect(error.toBody()).toEqual({ code: 'DISK_FULL', message: 'no room', hint: 'make room' });
    expect(error.cause).toBe(cause);
    expect(toRumeurError(error)).toBe(error);
  });

  test('what is not ours becomes INTERNAL and keeps its cause', () => {
    const thrown = new TypeError('x is not a function');
    const error = toRumeurError(thrown);
    expect(error.toBody()).toEqual({ code: 'INTERNAL', message: 'x is not a function' });
    expect(error.cause).toBe(thrown);
    expect(toRumeurError('text').message).toBe('text');
  });
});
