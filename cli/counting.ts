import { RumeurError } from '../src/base/errors.js';
import { isRecord } from './client.js';
import { required, type CommandContext } from './command.js';
import { print } from './output.js';

/** Counts by the second argument, 1 without one, and prints what the peer then holds. */
export async function count(event: 'incr' | 'decr', context: CommandContext): Promise<undefined> {
  const { session } = context;
  const key = required(context, 0);
  const by = stepOf(context.arguments[1] ?? '1');
  const client = await session.connect();
  const { value } = await client.call(event, key, by, session.eventOptions());
  const sum = isRecord(value) ? value['value'] : undefined;
  await print(session.json ? `${JSON.stringify(value)}\n` : `${String(sum)}\n`);
  return undefined;
}

/** @throws RumeurError `ARGUMENT_INVALID` */
function stepOf(text: string): number {
  const step = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(step)) return step;
  throw new RumeurError(
    'ARGUMENT_INVALID',
    `a counter changes by a whole number, not ${JSON.stringify(text)}`,
    {
      hint: `whole numbers go up to ${Number.MAX_SAFE_INTEGER}`,
    },
  );
}
