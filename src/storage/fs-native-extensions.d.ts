declare module 'fs-native-extensions' {
  /** An exclusive lock on the whole file; `false` when another open file description holds one. */
  export function tryLock(fd: number): boolean;
}
