import { beforeEach, describe, expect, test } from '@jest/globals';
import { RumeurError } from '../../../src/base/errors.js';
import { WatchStream } from '../../../src/api/watch-stream.js';

describe('WatchStream', () => {
  let push: (item: number, bytes?: number) => void;
  let stops: number;
  let stream: WatchStream<number>;
  beforeEach(() => {
    stops = 0;
    stream = new WatchStream<number>((given) => {
      push = (item, bytes = 1) => given(item, bytes);
      return () => {
        stops++;
      };
    });
  });
  const error = new RumeurError('INTERNAL', 'broken');

  test('an error comes once, after what is buffered, and ends the stream', async () => {
    push(1);
    stream.fail(error);
    stream.fail(new RumeurError('INTERNAL', 'a second one'));
    push(2);
    expect(await stream.next()).toEqual({ value: 1, done: false });
    await expect(stream.next()).rejects.toBe(error);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(stops).toBe(1);
  });

  test('of several readers that wait, one hears the error and the others the end', async () => {
    const waiting = [stream.next(), stream.next()];
    stream.fail(error);
    const [first, second] = await Promise.allSettled(waiting);
    expect(first).toEqual({ status: 'rejected', reason: error });
    expect(second).toEqual({ status: 'fulfilled', value: { value: undefined, done: true } });
  });

  test('a reader 10,000 changes behind gets these, then WATCH_OVERFLOW', async () => {
    for (let i = 0; i < 10_001; i++) push(i);
    for (let i = 0; i < 10_000; i++) expect((await stream.next()).value).toBe(i);
    await expect(stream.next()).rejects.toMatchObject({ code: 'WATCH_OVERFLOW' });
    expect(stops).toBe(1);
  });

  test('so does a reader 64 MiB behind; what it has read does not count', async () => {
    const half = 32 * 2 ** 20;
    for (let i = 0; i < 10; i++) {
      push(i, half);
      expect((await stream.next()).value).toBe(i);
    }
    for (let i = 0; i < 3; i++) push(i, half);
    for (let i = 0; i < 2; i++) expect((await stream.next()).value).toBe(i);
    await expect(stream.next()).rejects.toMatchObject({
      code: 'WATCH_OVERFLOW',
      message: expect.stringContaining('64 MiB'),
    });
    expect(stops).toBe(1);
  });
});
