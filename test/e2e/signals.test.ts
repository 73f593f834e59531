import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../tools/eventually.js';
import { Cluster } from '../tools/peer-process.js';
import { connect } from '../tools/socket-client.js';

describe('leaving', () => {
  let cluster: Cluster;
  beforeEach(() => {
    cluster = new Cluster();
  });
  afterEach(() => cluster.stop());

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s flushes and leaves within 2 seconds, under load',
    async (signal) => {
      const one = await cluster.start('one', { port: 0 });
      const two = await cluster.start('two', { port: 0, peers: [one.url] });
      await two.connected(1);
      // Clients of every kind hold on: one that writes, one that watches, one that polls.
      const writer = await connect(two.url);
      const poller = await connect(two.url, { transports: ['polling'] });
      await poller.emitWithAck('watch', {});
      const acknowledged: number[] = [];
      let sent = 0;
      const more = (): void => {
        const n = ++sent;
        writer.emit('set', `k${n}`, n, (ack: { ok: boolean }) => {
          if (ack.ok) acknowledged.push(n);
          if (writer.connected) more();
        });
      };
      for (let i = 0; i < 32; i++) more();
      await eventually('writes are under way', () => acknowledged.length > 200);

      const began = performance.now();
      expect(await two.kill(signal)).toBe(0);
      expect(performance.now() - began).toBeLessThan(2000);
      await eventually('the other was told', () => one.log.includes('LEAVING'));

      await two.start();
      for (const n of acknowledged) expect(await two.get(`k${n}`)).toBe(n);
      expect(two.log).not.toMatch(/not closed cleanly/);
      writer.disconnect();
      poller.disconnect();
    },
  );
});
