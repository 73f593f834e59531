/*
 * A process of its own with a store open, for what only a process can show: kill -9, two of them on one directory,
 * a limit on file sizes. Runs the built code.
 *
 * node store-child.mjs hold <directory> <engine>     opens, says so, closes on the first line on stdin
 * node store-child.mjs stream <directory> <engine>   opens, says so, then commits batch after batch and says which are flushed,
 *                                           until it is killed or the store fails; then it says how many are visible
 *                                           and closes
 * node store-child.mjs stream-later <directory> <engine>  the same, but the first batch waits for a line on stdin
 * Every line on stdout is one JSON document.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { nanoid } from 'nanoid';
import { sealEntry } from '../../../dist/src/data/entry.js';
import { openStore } from '../../../dist/src/storage/open-store.js';

const [, , mode, directory, engine] = process.argv;
const say = (document) => process.stdout.write(`${JSON.stringify(document)}\n`);
const failed = (at) => (error) => say({ at, code: error.code, message: error.message, hint: error.hint });

process.on('unhandledRejection', (error) => {
  failed('unhandled')(error);
  process.exit(9);
});

let store;
try {
  store = await openStore(engine, { directory, newId: nanoid });
} catch (error) {
  failed('open')(error);
  process.exit(1);
}
const { provenance, initial } = store;
say({ at: 'open', provenance, peerId: initial.peerId, origin: initial.origin });
store.onFailure(failed('failure'));
if (mode !== 'stream') await once(process.stdin, 'data');
if (mode !== 'hold') {
  await stream();
  // What a reader gets to see now.
  try {
    say({ at: 'visible', n: [...store.cells('default', {})].length - 1 });
  } catch (error) {
    failed('read')(error);
  }
}
await store.close().catch(failed('close'));
process.stdin.destroy();

/** Batch n writes the key `own n`, and `shared` over its former entry: two puts, so 2n dots of our origin so far. */
async function stream() {
  const { origin } = initial;
  const write = (key, seq) =>
    sealEntry({ key, origin, seq, stamp: BigInt(seq), value: Buffer.alloc(1000, seq) });
  const put = (key, after, before) => ({ bucket: 'default', key, before, after: [after] });
  let shared = [];
  for (let n = 1; ; n++) {
    const seq = 2 * n;
    const own = write(`own ${n}`, seq - 1);
    const next = write('shared', seq);
    const puts = [put(own.key, own, []), put('shared', next, shared)];
    shared = [next];
    const hash = Buffer.alloc(16, n);
    const totals = [{ bucket: 'default', keys: n + 1, tombstones: 0, droppedUpTo: 0n, hash }];
    try {
      store.commit({
        puts,
        vectors: [{ bucket: 'default', origin, intervals: [1, seq] }],
        totals,
        floors: [],
        damages: [],
        members: [],
        clock: BigInt(seq),
      });
    } catch (error) {
      failed('commit')(error);
      return;
    }
    store.flushed().then(() => say({ at: 'flushed', n }), failed('flushed'));
    // Several batches on the way at any time, in groups of changing size.
    if (n % 7 === 0) await store.flushed().catch(() => undefined);
  }
}
