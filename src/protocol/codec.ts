import { deltaCodecs } from './codec/deltas.js';
import { gossipCodecs } from './codec/gossip.js';
import { linkCodecs } from './codec/links.js';
import { memberCodecs } from './codec/members.js';
import type { CodecsOf, MessageCodec } from './codec/message-codec.js';
import { reconciliationCodecs } from './codec/reconciliation.js';
import { packList, unpackList } from './fields.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { MalformedMessage } from './malformed.js';
import type { Message } from './messages.js';

export { nextHop } from './codec/gossip.js';
export { packOps, roughSize, unpackOps } from './codec/operations.js';

/** The number of each message type on the wire. Numbers are never used again for something else. */
const TYPE_NUMBERS = {
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
  compare: 16,
  differ: 17,
  listing: 18,
  answer: 19,
  roster: 20,
  members: 21,
  have: 22,
  graft: 23,
  prune: 24,
  probe: 25,
  probed: 26,
  shuffle: 27,
  shuffled: 28,
} as const satisfies Record<Message['type'], number>;

const CODECS: CodecsOf<Message['type']> = {
  ...linkCodecs,
  ...gossipCodecs,
  ...deltaCodecs,
  ...reconciliationCodecs,
  ...memberCodecs,
};

/** A message is one MessagePack array: its type's number, then its fields in order. See docs/PROTOCOL.md. */
export function encodeMessage(message: Message): Uint8Array {
  const codec = CODECS[message.type] as MessageCodec<Message>;
  return packList([TYPE_NUMBERS[message.type], ...codec.write(message)]);
}

const TYPES = new Map(
  Object.entries(TYPE_NUMBERS).map(([type, number]) => [number as number, type as Message['type']]),
);

/** @throws MalformedMessage for whatever is no sound message of this protocol */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MAX_MESSAGE_BYTES) throw new MalformedMessage('too large');
  const fields = unpackList(bytes);
  const number = fields.uint();
  const type = TYPES.get(number);
  if (type === undefined) throw new MalformedMessage(`unknown message type ${number}`);
  return CODECS[type].read(fields);
}
