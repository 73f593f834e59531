import type { Driver } from './driver.js';

export type Method = keyof Driver;
export type Argument<M extends Method> = Parameters<Driver[M]>[0];
export type Answer<M extends Method> = Awaited<ReturnType<Driver[M]>>;

/** From the runner to a peer's process. */
export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly argument: unknown;
}

/** And back: an answer, an error, or that a watched value arrived. */
export type Message =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly latencyMs: number };
