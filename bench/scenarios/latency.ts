import { Cluster } from '../process/cluster.js';
import { quantile } from '../stats.js';
import { IN_FLIGHT, inTurns, WARM_UP } from './scenario.js';

/** One set at a time at the first of three peers, until the change is told at the third. */
export const latency = inTurns('latency', ['plain', 'flushed'], (options, { latencies }) =>
  Cluster.with(options, 3, async (cluster) => {
    const [writer, , watcher] = cluster.peers;
    if (writer === undefined || watcher === undefined) throw new Error('a cluster without peers');
    await writer.call('write', { prefix: 'u', from: 0, count: WARM_UP, inFlight: IN_FLIGHT });
    await cluster.allHold(WARM_UP);
    await watcher.call('watch', { prefix: 'l' });
    const arrivals: number[] = [];
    const acknowledgements: number[] = [];
    for (let index = 0; index < latencies; index++) {
      const arrival = watcher.nextArrival();
      acknowledgements.push(await writer.call('setOne', { prefix: 'l', index }));
      arrivals.push(await arrival);
    }
    return {
      p50: quantile(arrivals, 0.5),
      p99: quantile(arrivals, 0.99),
      acknowledged: quantile(acknowledgements, 0.5),
    };
  }),
);
