import type { Fields } from '../fields.js';
import type { Message } from '../messages.js';

/** How a message of one type becomes the fields of its list, and is read from them again. */
export interface MessageCodec<M extends Message> {
  write(message: M): unknown[];
  /** @throws MalformedMessage */
  read(fields: Fields): M;
}

/** One codec for each of some message types. */
export type CodecsOf<T extends Message['type']> = {
  readonly [K in T]: MessageCodec<Extract<Message, { type: K }>>;
};
