import { nanoid } from 'nanoid';

/**
 * A new random id: 21 characters of nanoid's alphabet. None begins with a dash: on a command line, where people write
 * the ids of peers, it would be taken for an option.
 */
export function newId(): string {
  for (;;) {
    const id = nanoid();
    if (!id.startsWith('-')) return id;
  }
}
