import { describe, expect, test } from '@jest/globals';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { toHex } from '../../src/base/bytes.js';
import { entryDigest, type EntryWithoutDigest } from '../../src/data/entry.js';
import { Fingerprint } from '../../src/data/fingerprint.js';
import { decodeMessage } from '../../src/protocol/codec.js';
import * as limits from '../../src/protocol/limits.js';
import type { Message } from '../../src/protocol/messages.js';
import { blocksOf, proseOf, readPage, rowsOf } from '../tools/markdown.js';
import { describeMessage, encodeDescribed, reviveEntry, reviveVector } from '../tools/wire-json.js';

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
    const [first, second] = entries as [EntryWithoutDigest, EntryWithoutDigest];
    const [hashed = '', digests, state, both] = under('Digests', 'hex');
    // By the table of the page alone, so that the page is tried, not the code against itself.
    const preimages = entries.map(preimageOf);
    expect(hashed).toBe(preimages.map(hexOf).join('\n\n'));
    const bySha = preimages.map((bytes) => createHash('sha256').update(bytes).digest().subarray(0, 16));
    expect(bySha.map(toHex)).toEqual(entries.map((entry) => toHex(entryDigest(entry))));
    expect(digests).toBe(bySha.map(hexOf).join('\n'));
    expect(state).toBe(hexOf(sum([first])));
    expect(both).toBe(hexOf(sum([first, { ...second, value: Buffer.from('1') }])));
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

function preimageOf({ value, stamp, seq, origin, key }: EntryWithoutDigest): Buffer {
  const [kind, numbers, length] = [Buffer.alloc(1), Buffer.alloc(16), Buffer.alloc(2)];
  kind[0] = value === null ? 0 : 1;
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
  ]);
}

function sum(entries: readonly EntryWithoutDigest[]): Uint8Array {
  const fingerprint = Fingerprint.empty();
  for (const entry of entries) fingerprint.add(entryDigest(entry));
  return fingerprint.toBytes();
}
