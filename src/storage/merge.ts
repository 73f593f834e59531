/**
 * Merges two sequences that are sorted by `compare`. Of two equal items one comes, that which `join` makes of them:
 * unless told otherwise the one of `over`, which is the later state of the same thing.
 */
export function* mergeSorted<T>(
  under: Iterable<T>,
  over: Iterable<T>,
  compare: (a: T, b: T) => number,
  join: (under: T, over: T) => T = (_, later) => later,
): Generator<T, undefined, undefined> {
  const left = under[Symbol.iterator]();
  const right = over[Symbol.iterator]();
  try {
    let a = left.next();
    let b = right.next();
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : compare(a.value, b.value);
      if (order < 0) {
        yield a.value as T;
        a = left.next();
      } else {
        yield order === 0 ? join(a.value as T, b.value as T) : (b.value as T);
        b = right.next();
        if (order === 0) a = left.next();
      }
    }
  } finally {
    // A scan that is given up early must still release the cursor below.
    left.return?.();
    right.return?.();
  }
  return undefined;
}
