import type { Soon } from '../service.js';

/** What follows from a result: at once, if that is there at once, so that what is asked in one go is answered in order. */
export const soon = <T, R>(result: Soon<T>, then: (value: T) => R): Soon<R> =>
  result instanceof Promise ? result.then(then) : then(result);
