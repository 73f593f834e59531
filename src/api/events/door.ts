import type { Socket } from 'socket.io';
import type { RumeurError } from '../../base/errors.js';
import { overloaded } from './limits.js';

/** Counts the clients inside, from before they are let in until their connection has closed. */
export class Door {
  readonly #places: number;
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Takes a place for a client; why not, when there is none. */
  enter(connection: Socket['conn']): RumeurError | undefined {
    if (this.#taken >= this.#places) {
      return overloaded(
        `this peer serves ${this.#places} clients, which is its limit`,
        'connect to another peer',
      );
    }
    this.#taken++;
    connection.once('close', () => this.#taken--);
    return undefined;
  }
}
