import { describe, expect, test } from '@jest/globals';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { toHex } from '../../src/base/bytes.js';
import { entryDigest, type EntryWithoutDigest } from '../../src/data/entry.js';
import { Fingerprint } from '../../src/data/fingerprint.js';
import { POLICIES } from '../../src/data/policy.js';
import { decodeMessage } from '../../src/protocol/codec.js';
import * as limits from '../../src/protocol/limits.js';
import { markDigest } from '../../src/protocol/members.js';
import type { Message, RangeBlock } from '../../src/protocol/messages.js';
import { RANGE_SHIFTS } from '../../src/protocol/ranges.js';
import { blocksOf, proseOf, readPage, rowsOf } from '../tools/markdown.js';
import {
  describeMessage,
  encodeDescribed,
  reviveEntry,
  reviveRecord,
  reviveVector,
} from '../unit/protocol/wire-json.js';

/** Every message there is: the compiler asks for a new one here, and the test for its section in the page. */
const TYPES: Readonly<Record<Message['type'], number>> = {
  hello: 1,
  goodbye: 2,
  push: 3,
  digest: 4,
  same: 5,
  vectors: 6,
  deltaRequest: 7,
  chunk: 8,
  credit: 9,
  cancel: 10,
  below: 11,
  ping: 12,
  pong: 13,
  peers: 14,
  ack: 15,
  compare: 16,
  differ: 17,
  listing: 18,
  answer: 19,
  roster: 20,
  members: 21,
  have: 22,
  graft: 23,
  prune: 24,
  probe: 25,
  probed: 26,
  shuffle: 27,
  shuffled: 28,
};

const page = readPage('docs/PROTOCOL.md');
const blocks = blocksOf(page);
const under = (heading: string, language: string): string[] =>
  blocks.filter((block) => block.heading === heading && block.language === language).map(({ text }) => text);

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
/** As the page writes bytes: 32 a line. */
const hexOf = (bytes: Uint8Array): string =>
  toHex(bytes)
    .replaceAll(/(.{2})(?=.)/g, '$1 ')
    .replaceAll(/((?:\S\S ){31}\S\S) /g, '$1\n');

describe('docs/PROTOCOL.md', () => {
  for (const [type, number] of Object.entries(TYPES)) {
    const heading = `\`${type}\` (${number})`;

    test(`${heading}: the bytes are what the JSON says, and the other way round`, () => {
      const examples = under(heading, 'json');
      const hex = under(heading, 'hex');
      expect([examples.length, hex.length]).toEqual([1, 1]);
      const described = JSON.parse(examples[0] ?? '') as Record<string, unknown>;
      expect(described['type']).toBe(type);
      expect(hex[0]).toBe(hexOf(encodeDescribed(described)));
      expect(describeMessage(bytesOf(hex[0] ?? ''))).toEqual(described);
      expect(bytesOf(hex[0] ?? '')[1]).toBe(number);
    });
  }

  test('has no message that does not exist', () => {
    const headings = [...proseOf(page).matchAll(/^### `(\w+)` \(\d+\)$/gm)].map(([, type]) => type);
    expect(headings).toEqual(Object.keys(TYPES));
  });

  test('the example of a vector hash', () => {
    const [json = ''] = under('Version vectors', 'json');
    const vector = reviveVector(JSON.parse(json));
    expect(under('Version vectors', 'text')).toEqual([vector.toText()]);
    expect(under('Version vectors', 'hex')).toEqual([hexOf(vector.hash())]);
  });

  test('the worked example of digests', () => {
    const [json = ''] = under('Digests', 'json');
    const entries = (JSON.parse(json) as Record<string, unknown>[]).map(reviveEntry);
    const [hashed = '', digests, state] = under('Digests', 'hex');
    // By the table of the page alone, so that the page is tried, not the code against itself.
    const preimages = entries.map(preimageOf);
    expect(hashed).toBe(preimages.map(hexOf).join('\n\n'));
    const bySha = preimages.map((bytes) => createHash('sha256').update(bytes).digest().subarray(0, 16));
    expect(bySha.map(toHex)).toEqual(entries.map((entry) => toHex(entryDigest(entry))));
    expect(digests).toBe(bySha.map(hexOf).join('\n'));
    expect(entries.map(({ value }) => value === null)).toEqual([false, true, false]);
    expect(state).toBe(hexOf(sum(entries.filter(({ value }) => value !== null))));
  });

  test('the sums of the example of `compare`, which are those of the worked example', () => {
    const [json = ''] = under('`compare` (16)', 'json');
    const { blocks } = JSON.parse(json) as { blocks: (RangeBlock & { sum: string })[] };
    const entries = (JSON.parse(under('Digests', 'json')[0] ?? '') as Record<string, unknown>[]).map(
      reviveEntry,
    );
    const sumOf = ({ origin, level, index }: RangeBlock): string => {
      const size = 2 ** (RANGE_SHIFTS[level] ?? NaN);
      const inBlock = entries.filter((e) => e.origin === origin && Math.floor(e.seq / size) === index);
      return toHex(sum(inBlock.filter(({ value }) => value !== null)).subarray(0, 8));
    };
    expect(blocks.map(({ sum: written }) => written)).toEqual(blocks.map(sumOf));
    expect(blocks.length).toBeGreaterThan(1);
  });

  test('the example of a hash of members', () => {
    const [json = ''] = under('Members', 'json');
    const records = (JSON.parse(json) as Record<string, unknown>[]).map(reviveRecord);
    const [text = ''] = under('Members', 'text');
    const [digests, hash] = under('Members', 'hex');
    // By the page alone, so that the page is tried, not the code against itself.
    const bySha = text.split('\n').map((row) => createHash('sha256').update(row).digest().subarray(0, 16));
    expect(digests).toBe(bySha.map(hexOf).join('\n'));
    expect(records.map((record) => toHex(markDigest(record)))).toEqual(bySha.map(toHex));
    const total = Fingerprint.empty();
    for (const digest of bySha) total.add(digest);
    expect(hash).toBe(hexOf(total.toBytes()));
  });

  test('the table of levels', () => {
    const rows = rowsOf(page, 2).filter(
      (cells) => cells.length === 2 && cells.every((cell) => /^\d+$/.test(cell)),
    );
    const sizes = RANGE_SHIFTS.map((shift, level) => [String(level), String(2 ** shift)]);
    expect(rows).toEqual(sizes);
  });

  test('the table of policies names them all', () => {
    const rows = rowsOf(page, 3).map(([name = '']) => name);
    expect(rows.filter((name) => (POLICIES as readonly string[]).includes(name.slice(1, -1)))).toEqual(
      POLICIES.map((name) => `\`${name}\``),
    );
  });

  test('the table of limits', () => {
    const rows = rowsOf(page, 3).filter(([, value]) => /^\d+$/.test(value ?? ''));
    const written = rows.map(([name = '', value]) => [name.slice(1, -1), Number(value)] as const);
    expect(Object.fromEntries(written)).toEqual({ ...limits });
  });

  test('the example of an error', () => {
    expect(() => decodeMessage(bytesOf('91 63'))).toThrow('unknown message type 99');
    expect(page.text).toContain('`malformed message: unknown message\ntype 99`');
  });
});

function preimageOf({ value, stamp, seq, origin, key, context }: EntryWithoutDigest): Buffer {
  const [kind, numbers, length] = [Buffer.alloc(1), Buffer.alloc(16), Buffer.alloc(2)];
  kind[0] = (value === null ? 0 : 1) + (context === undefined ? 0 : 2);
  numbers.writeBigUInt64BE(stamp, 0);
  numbers.writeBigUInt64BE(BigInt(seq), 8);
  length.writeUInt16BE(Buffer.byteLength(key));
  return Buffer.concat([
    kind,
    numbers,
    Buffer.from(origin),
    length,
    Buffer.from(key),
    value ?? Buffer.alloc(0),
    context === undefined
      ? Buffer.alloc(0)
      : createHash('sha256').update(context.toText()).digest().subarray(0, 16),
  ]);
}

function sum(entries: readonly EntryWithoutDigest[]): Uint8Array {
  const fingerprint = Fingerprint.empty();
  for (const entry of entries) fingerprint.add(entryDigest(entry));
  return fingerprint.toBytes();
}
