// One peer in a process of its own; the runner calls the driver's methods over Node's own channel.
import { Driver } from './driver.js';
import type { Call, Message } from './messages.js';
import { countWireBytes } from './wire-bytes.js';

const send = (message: Message): void => void process.send?.(message);

countWireBytes();
const driver = new Driver((latencyMs) => send({ latencyMs }));

process.on('message', (message) => {
  const { id, method, argument } = message as Call;
  const act = driver[method].bind(driver) as (argument: unknown) => Promise<unknown>;
  act(argument).then(
    (answer) => {
      send({ id, answer });
      if (method === 'close') process.disconnect();
    },
    (error: unknown) =>
      send({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// Not by itself: a peer that was not closed keeps listening.
process.on('disconnect', () => process.exit(0));
