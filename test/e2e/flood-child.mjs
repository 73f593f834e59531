/**
 * A peer and, in the same process, a writer that never waits. Prints as JSON what that came to.
 * Arguments: data directory, durability, bytes of a value, milliseconds.
 */
import { performance } from 'node:perf_hooks';
import { memoryUsage } from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Peer } from '../../dist/src/index.js';

const [dataDir, durability, valueBytes, ms] = process.argv.slice(2);
const peer = await Peer.open({
  port: 0,
  dataDir,
  durability,
  limits: { pendingWrites: 200 },
  log: { level: 'silent' },
});
const value = 'x'.repeat(Number(valueBytes));
/** With 200 that may wait. */
const EACH_TURN = 100;
const codes = {};
let written = 0;
let under = 0;
let most = 0;
let slowest = 0;

function write(i) {
  under++;
  peer.set(`key ${i % 500}`, value).then(
    () => {
      written++;
      under--;
    },
    ({ code }) => {
      codes[code] = (codes[code] ?? 0) + 1;
      under--;
    },
  );
}

/** What this process needs beside the pages of the mapped file: those the system takes back when it likes. */
const needed = () => memoryUsage().heapUsed + memoryUsage().external;

await peer.set('beside', 1);
const before = needed();
const until = performance.now() + Number(ms);
for (let i = 0; performance.now() < until;) {
  for (let k = 0; k < EACH_TURN; k++) write(i++);
  const asked = performance.now();
  await peer.get('beside');
  await nextTurn();
  slowest = Math.max(slowest, performance.now() - asked);
  most = Math.max(most, needed() - before);
}
while (under > 0) await nextTurn();
console.log(JSON.stringify({ written, codes, mostBytes: most, slowestMs: slowest }));
await peer.close();
