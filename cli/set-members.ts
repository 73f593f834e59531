import { isRecord } from './client.js';
import { required, rest, type CommandContext } from './command.js';
import { print } from './output.js';

/** Adds or removes all arguments after the key, and prints how many of them made a difference. */
export async function changeMembers(event: 'sadd' | 'srem', context: CommandContext): Promise<undefined> {
  const { session } = context;
  const key = required(context, 0);
  const client = await session.connect();
  const { value } = await client.call(event, key, rest(context, 1), session.eventOptions());
  const changed = isRecord(value) ? (value['added'] ?? value['removed']) : undefined;
  await print(session.json ? `${JSON.stringify(value)}\n` : `${String(changed)}\n`);
  return undefined;
}
