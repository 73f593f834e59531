import { describe, expect, test } from '@jest/globals';
import { type ErrorCode, RumeurError } from '../../../src/base/errors.js';
import { type Deed, type Outcome, Recovery } from '../../../src/runtime/recovery.js';

const error = (code: ErrorCode): RumeurError => new RumeurError(code, 'no');
const full = error('DISK_FULL');
const failed = error('DISK_FAILED');
const MIB = 2 ** 20;
const room = (freeMiB: number, totalMiB = 10_000): Outcome => ({
  kind: 'room',
  room: { freeBytes: freeMiB * MIB, totalBytes: totalMiB * MIB },
});

/** A recovery with a clock that waits by itself; `deeds` is what it wanted done, waits as numbers. */
class Scene {
  readonly recovery = new Recovery();
  readonly deeds: (string | number)[] = [];
  now = 0;

  fail(why: RumeurError): this {
    this.#note(this.recovery.failed(why, this.now, 1_000_000 + this.now));
    return this;
  }

  /** Lets each deed end as given; waits end by themselves. */
  end(...outcomes: readonly (Outcome | RumeurError | 'closed' | 'opened' | 'begun')[]): this {
    for (const outcome of outcomes) {
      this.#note(this.recovery.next(asOutcome(outcome), this.now));
    }
    return this;
  }

  #note(deed: Deed | undefined): void {
    for (let next = deed; next; next = this.recovery.next({ kind: 'waited' }, this.now)) {
      this.deeds.push(next.kind === 'wait' ? next.ms : next.kind);
      if (next.kind !== 'wait') return;
      this.now += next.ms;
    }
    this.deeds.push('open for writes');
  }

  take(): (string | number)[] {
    return this.deeds.splice(0);
  }
}

const asOutcome = (outcome: Outcome | RumeurError | 'closed' | 'opened' | 'begun'): Outcome => {
  if (outcome instanceof RumeurError) return { kind: 'failed', error: outcome };
  return typeof outcome === 'string' ? { kind: outcome } : outcome;
};

describe('a store that failed', () => {
  test('is given up and opened anew, never written again on the same handle', () => {
    const scene = new Scene().fail(failed).end('closed', 'opened', 'begun');
    expect(scene.take()).toEqual(['close', 'open', 'begin', 'open for writes']);
    expect(scene.recovery.error).toBeUndefined();
  });

  test('is given up again when it cannot be written: reads go on from a third handle', () => {
    const scene = new Scene().fail(failed).end('closed', 'opened', failed, 'closed', 'opened', 'begun');
    expect(scene.take()).toEqual([
      'close',
      'open',
      'begin',
      'close',
      'open',
      1000,
      'begin',
      'open for writes',
    ]);
  });

  test('that cannot even be opened is tried after 1, 2, 4 seconds and so on, at least each minute', () => {
    const scene = new Scene().fail(failed).end('closed');
    scene.take();
    for (let i = 0; i < 8; i++) scene.end(failed);
    expect(scene.take().filter((deed) => deed !== 'open')).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]);
    scene.end('opened');
    expect(scene.take()).toEqual([60_000, 'begin']);
  });

  test('again soon after it began is not opened again and again', () => {
    const scene = new Scene();
    const cycle = (): (string | number)[] => scene.fail(failed).end('closed', 'opened', 'begun').take();
    expect(cycle()).not.toContain(1000);
    expect(cycle()).toContain(1000);
    expect(cycle()).toContain(2000);
    scene.now += 60_000;
    expect(cycle()).toEqual(['close', 'open', 'begin', 'open for writes']);
  });

  test('says why and since when', () => {
    const scene = new Scene();
    scene.now = 5;
    scene.fail(failed);
    expect([scene.recovery.error, scene.recovery.since]).toEqual([failed, 1_000_005]);
    scene.end('closed', full);
    expect(scene.recovery.error).toBe(full);
  });
});

describe('a full disk', () => {
  test('is written again as soon as it has room, and is asked each second', () => {
    const scene = new Scene().fail(full).end('closed', 'opened', room(1), room(15), room(16), 'begun');
    expect(scene.take()).toEqual([
      'close',
      'open',
      'measure',
      1000,
      'measure',
      1000,
      'measure',
      'begin',
      'open for writes',
    ]);
  });

  test('that is small needs a twentieth of itself', () => {
    const scene = new Scene().fail(full).end('closed', 'opened', room(0.3, 8), room(0.5, 8));
    expect(scene.take().at(-1)).toBe('begin');
  });

  test('that says that it has room and yet takes nothing, as with a quota, is tried at least each half minute', () => {
    const scene = new Scene().fail(full).end('closed', 'opened', room(100));
    scene.take();
    for (let i = 0; i < 7; i++) scene.end(full, 'closed', 'opened', room(100));
    expect(scene.take().filter((deed) => typeof deed === 'number')).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
  });

  test('that cannot be measured is tried', () => {
    const scene = new Scene().fail(full).end('closed', 'opened', { kind: 'room', room: undefined });
    expect(scene.take().at(-1)).toBe('begin');
  });
});
