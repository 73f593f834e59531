import { Buffer } from 'node:buffer';
import type { OriginId } from '../../base/ids.js';
import { type Dot, dotToText } from '../../data/dot.js';
import { checkOnce, differences, type Fields, SHORT_HASH_BYTES, vectorToList } from '../fields.js';
import { MAX_BLOCKS, MAX_LISTED } from '../limits.js';
import { MalformedMessage } from '../malformed.js';
import type { Answer, Compare, Listing } from '../messages.js';
import { isBlock } from '../ranges.js';
import type { CodecsOf } from './message-codec.js';
import { entriesToList, originAt, OriginList, readEntries, readOrigins } from './operations.js';

/** Range reconciliation. */
export const reconciliationCodecs: CodecsOf<'compare' | 'differ' | 'listing' | 'answer'> = {
  compare: { write: compareToFields, read: readCompare },
  differ: {
    write: ({ request, n, blocks, start }) => [
      request,
      n,
      differences(blocks),
      start && [vectorToList(start.vector), vectorToList(start.floor)],
    ],
    read: (f) => ({
      type: 'differ',
      request: f.uint(),
      n: f.uint(),
      blocks: f.places(MAX_BLOCKS),
      start: f.orNull((fields) => {
        const start = fields.list();
        return { vector: start.vector(), floor: start.vector() };
      }),
    }),
  },
  listing: { write: listingToFields, read: readListing },
  answer: { write: answerToFields, read: readAnswer },
};

type Block = Compare['blocks'][number];

/** Blocks next to each other need their place only once. */
function compareToFields({ request, n, bucket, blocks }: Compare): unknown[] {
  const origins = new OriginList();
  const runs = runsOf(blocks).flatMap((run) => {
    const { origin, level, index } = run[0];
    return [origins.place(origin), level, index, Buffer.concat(run.map(({ sum }) => sum))];
  });
  return [request, n, bucket, origins.toList(), runs];
}

type Run = [Block, ...Block[]];

/** Splits blocks, in the order given, into runs of consecutive ones of one origin and level. */
function runsOf(blocks: readonly Block[]): Run[] {
  const runs: Run[] = [];
  let before: Block | undefined;
  for (const block of blocks) {
    const follows =
      before?.origin === block.origin && before.level === block.level && before.index + 1 === block.index;
    if (follows) runs[runs.length - 1]?.push(block);
    else runs.push([block]);
    before = block;
  }
  return runs;
}

function readCompare(f: Fields): Compare {
  const [request, n, bucket, origins] = [f.uint(), f.uint(), f.bucket(), readOrigins(f)];
  const blocks: Block[] = [];
  const runs = f.list();
  while (runs.more) {
    const [origin, level, first, sums] = [
      originAt(origins, runs.uint()),
      runs.uint(),
      runs.uint(),
      runs.bytes(),
    ];
    const count = sums.length / SHORT_HASH_BYTES;
    if (!Number.isInteger(count) || count === 0) throw new MalformedMessage('sums of a wrong size');
    if (blocks.length + count > MAX_BLOCKS) throw new MalformedMessage('a list that is too long');
    if (!isBlock(level, first + count - 1)) throw new MalformedMessage('a block that does not exist');
    for (let i = 0; i < count; i++) {
      const sum = sums.subarray(i * SHORT_HASH_BYTES, (i + 1) * SHORT_HASH_BYTES);
      blocks.push({ origin, level, index: first + i, sum });
    }
  }
  checkOnce(
    blocks.map(({ origin, level, index }) => `${origin}/${level}/${index}`),
    'a block',
  );
  return { type: 'compare', request, n, bucket, blocks };
}

function listingToFields({ request, n, bucket, items }: Listing): unknown[] {
  const origins = new OriginList();
  const list = items.flatMap(({ origin, seq, stamp, key, digest }) => [
    origins.place(origin),
    seq,
    stamp,
    key,
    digest,
  ]);
  return [request, n, bucket, origins.toList(), list];
}

function readListing(f: Fields): Listing {
  const [request, n, bucket, origins] = [f.uint(), f.uint(), f.bucket(), readOrigins(f)];
  const items = f.each(MAX_LISTED, (i) => ({
    origin: originAt(origins, i.uint()),
    seq: i.seq(),
    stamp: i.stamp(),
    key: i.key(),
    digest: i.shortHash(),
  }));
  checkDots(items);
  return { type: 'listing', request, n, bucket, items };
}

function answerToFields({ request, n, drop, entries, answered }: Answer): unknown[] {
  const origins = new OriginList(entries.map(({ origin }) => origin));
  const list = entriesToList(entries, origins);
  return [request, n, differences(drop), origins.toList(), list, answered];
}

function readAnswer(f: Fields): Answer {
  const [request, n, drop] = [f.uint(), f.uint(), f.places(MAX_LISTED)];
  const entries = readEntries(f, readOrigins(f));
  checkDots(entries);
  return { type: 'answer', request, n, drop, entries, answered: f.uint() };
}

function checkDots(dots: readonly (Dot & { origin: OriginId })[]): void {
  checkOnce(dots.map(dotToText), 'a dot');
}
