/*
 * A peer of one's own process, to be traced, struck by faults and killed. Its first argument are its options as JSON; it
 * says `{"at":"open"}` or why it did not open, then takes orders, line by line, and answers each with a line.
 */
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type ConfigInput, Peer, RumeurError } from '../../../src/index.js';
import {
  keyOf,
  numberOf,
  type Order,
  PATIENCE_MS,
  type Reading,
  valueOf,
  type VictimOptions,
  type Wave,
} from './protocol.js';

const options = JSON.parse(process.argv[2] ?? '{}') as VictimOptions;
const acks = options.acks === undefined ? undefined : openSync(options.acks, 'a');

const say = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
const codeOf = (error: unknown): string => (error instanceof RumeurError ? error.code : String(error));

async function open(): Promise<Peer | undefined> {
  try {
    return await Peer.open({
      name: 'victim',
      port: options.port ?? 0,
      dataDir: options.dataDir,
      storage: options.storage as NonNullable<ConfigInput['storage']>,
      gossip: { auditMs: 0 },
      log: { level: 'warn', format: 'json' },
    });
  } catch (error) {
    say({ at: 'refused', code: codeOf(error), message: String(error) });
    return undefined;
  }
}

/** What is settled in time; `undefined` of what is not. */
async function inTime<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function write(peer: Peer, n: number): Promise<{ dot: string } | { code: string }> {
  try {
    const { dot } = await peer.set(keyOf(n), valueOf(n));
    if (acks !== undefined) writeSync(acks, `ack ${n} ${dot}\n`);
    return { dot };
  } catch (error) {
    if (acks !== undefined) writeSync(acks, `no ${n}\n`);
    return { code: codeOf(error) };
  }
}

async function wave(peer: Peer, from: number, count: number): Promise<Wave> {
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  const acked: number[] = [];
  const refused: [number, string][] = [];
  const hung: number[] = [];
  await Promise.all(
    numbers.map(async (n) => {
      const result = await inTime(write(peer, n));
      if (result === undefined) hung.push(n);
      else if ('code' in result) refused.push([n, result.code]);
      else acked.push(n);
    }),
  );
  return { acked, refused, hung };
}

async function read(peer: Peer): Promise<Reading> {
  try {
    const values: [string, number][] = [];
    for await (const { key, value } of peer.entries()) values.push([key, numberOf(value)]);
    return { values };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

async function obey(peer: Peer, order: Order): Promise<unknown> {
  switch (order.do) {
    case 'write':
      return wave(peer, order.from, order.count);
    case 'read':
      return read(peer);
    case 'status':
      return peer.status();
    case 'close':
      return closeOf(peer);
  }
}

async function closeOf(peer: Peer): Promise<{ closed: boolean; code?: string }> {
  try {
    return { closed: (await inTime(peer.close().then(() => true))) ?? false };
  } catch (error) {
    return { closed: true, code: codeOf(error) };
  }
}

const peer = await open();
if (peer) {
  say({ at: 'open' });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order;
    say(await obey(peer, order));
    if (order.do === 'close') break;
  }
}
process.exit(peer ? 0 : 1);
