import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { utf8 } from '../../../../src/base/bytes.js';
import { type Cell, EMPTY_CELL } from '../../../../src/data/cell.js';
import { dotToText } from '../../../../src/data/dot.js';
import { type Entry, sealEntry } from '../../../../src/data/entry.js';
import { policyOf } from '../../../../src/data/policies/all.js';
import { POLICIES, type PolicyName } from '../../../../src/data/policy.js';
import { STAMP_ZERO, stampAt } from '../../../../src/data/stamp.js';
import { VersionVector } from '../../../../src/data/version-vector.js';
import { BUCKET, EPOCH, origin } from '../builders.js';
import { bothAsk, Side } from './sides.js';

/** One step of a writer's life: a write of a key, or everything that another writer knows comes in. */
interface Event {
  readonly writer: number;
  readonly key: string;
  readonly kind: 'put' | 'delete' | 'hear';
  readonly from: number;
}

const WRITERS = ['x', 'y', 'z'];
const MOST_EVENTS = 25;

const event: fc.Arbitrary<Event> = fc.record({
  writer: fc.nat(2),
  key: fc.constantFrom('k', 'l', 'm'),
  kind: fc.constantFrom('put', 'put', 'delete', 'hear', 'hear'),
  from: fc.nat(2),
});

/** For each write a number; 0: it was missed. */
const chances = fc.array(fc.nat(9), { minLength: MOST_EVENTS, maxLength: MOST_EVENTS });

class Writer {
  readonly known = new Map<string, Entry>();
  readonly cells = new Map<string, Cell>();
  readonly vector = new VersionVector();
  #seq = 0;

  take(name: PolicyName, entry: Entry): void {
    const { key, seq } = entry;
    this.known.set(dotToText(entry), entry);
    this.vector.add(entry.origin, seq, seq);
    const after = policyOf(name).admit(this.cells.get(key) ?? EMPTY_CELL, entry);
    if (after) this.cells.set(key, after);
  }

  write(name: PolicyName, letter: string, { key, kind }: Event, at: number): void {
    const storeKey = name === 'set' ? `${key}\u0000member` : key;
    const cell = this.cells.get(storeKey) ?? EMPTY_CELL;
    const value = name === 'set' ? 'true' : JSON.stringify(`${letter}${at}`);
    const asksToDelete = kind === 'delete' && name !== 'fww';
    const put = { key: storeKey, value: asksToDelete ? null : utf8(value) };
    const op = name === 'counter' && !asksToDelete ? { key: storeKey, increment: 1 } : put;
    // A first write stands: only a writer that does not know it writes another.
    if (name === 'fww' && cell.length > 0) return;
    const state = { origin: origin(letter), firstSeq: 1, vector: this.vector, droppedUpTo: STAMP_ZERO };
    const content = policyOf(name).prepare(cell, op, state);
    if (!content) return;
    const { above, ...rest } = content;
    const stamp = stampAt(EPOCH + at);
    expect(above === undefined || above < stamp).toBe(true);
    this.take(name, sealEntry({ key: storeKey, origin: origin(letter), seq: ++this.#seq, stamp, ...rest }));
  }
}

/** All writes of a history, in the order of their making. */
function writesOf(name: PolicyName, events: readonly Event[]): Entry[] {
  const writers = WRITERS.map(() => new Writer());
  events.forEach((one, at) => {
    const writer = writers[one.writer] as Writer;
    if (one.kind !== 'hear') writer.write(name, WRITERS[one.writer] as string, one, at);
    else for (const entry of writers[one.from]?.known.values() ?? []) writer.take(name, entry);
  });
  const all = new Map(writers.flatMap(({ known }) => [...known]));
  return [...all.values()].sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
}

/** A side that covers all writes and has really taken those that `has` says. */
function sideOf(
  name: string,
  policy: PolicyName,
  writes: readonly Entry[],
  has: (i: number) => boolean,
): Side {
  const side = new Side(name, policy);
  side.learn(...writes.filter((_, i) => has(i)));
  for (const { origin: o, seq } of writes) side.cover(new VersionVector([[o, [seq, seq]]]));
  return side;
}

describe.each(POLICIES)('%s', (policy) => {
  test('whatever two sides that cover the same have missed, they end equal', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: MOST_EVENTS }),
        chances,
        chances,
        (events, missedByA, missedByB) => {
          const writes = writesOf(policy, events);
          const a = sideOf('A', policy, writes, (i) => missedByA[i] !== 0);
          const b = sideOf('B', policy, writes, (i) => missedByB[i] !== 0);
          const common = new Set(entriesOf(a).filter((text) => entriesOf(b).includes(text)));
          for (let round = 0; round < 3 && a.live !== b.live; round++) bothAsk(a, b);
          expect(a.live).toBe(b.live);
          expect(a.bucket.fingerprint.toText()).toBe(b.bucket.fingerprint.toText());
          for (const side of [a, b]) expect(side.isHashRight).toBe(true);
          // What stands at the end of the whole history, and stood on both sides, stands.
          const whole = sideOf('C', policy, writes, () => true);
          for (const text of entriesOf(whole)) if (common.has(text)) expect(entriesOf(a)).toContain(text);
        },
      ),
      { numRuns: 60 },
    );
  });
});

const entriesOf = (side: Side): string[] =>
  [...side.storage.cells(BUCKET, {})].flat().map((entry) => `${entry.key} ${dotToText(entry)}`);
