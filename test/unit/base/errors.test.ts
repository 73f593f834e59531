import { describe, expect, test } from '@jest/globals';
import { ERROR_CODES, RumeurError, toRumeurError } from '../../../src/base/errors.js';

describe('errors', () => {
  test('an error keeps its code, hint and cause', () => {
    const cause = new Error('disk');
    const error = new RumeurError('DISK_FULL', 'no room', { hint: 'make room', cause });
    expect(error.toBody()).toEqual({
      code: 'DISK_FULL',
      message: 'no room',
      hint: 'make room',
      retryable: true,
    });
    expect(error.cause).toBe(cause);
    expect(toRumeurError(error)).toBe(error);
  });

  test('what may go well later says so, and nothing else does', () => {
    const retryable = ERROR_CODES.filter((code) => new RumeurError(code, 'x').toBody().retryable === true);
    expect(retryable).toEqual(['DISK_FULL', 'DISK_FAILED', 'OVERLOADED']);
  });

  test('what is not ours becomes INTERNAL and keeps its cause', () => {
    const thrown = new TypeError('x is not a function');
    const error = toRumeurError(thrown);
    expect(error.toBody()).toEqual({ code: 'INTERNAL', message: 'x is not a function' });
    expect(error.cause).toBe(thrown);
    expect(toRumeurError('text').message).toBe('text');
  });
});
