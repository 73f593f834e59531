import type { Socket } from 'socket.io-client';
import type { Random } from '../../../src/base/random.js';
import { type Ack, connect } from '../../tools/socket-client.js';
import type { Field, Place } from './field.js';

const CALL_MS = 4000;
const CONNECT_MS = 1500;
/** Operations of a client at one peer before it goes to another. */
const STINT = 25;
/** What is answered where a write is not done, and all is well. */
const REFUSALS = new Set(['EXISTS', 'OVERLOADED']);

/** One operation that a client has asked a peer to do. Times in milliseconds since 1970. */
export interface Attempt {
  readonly place: number;
  readonly life: number;
  readonly start: number;
  /** When it was answered; of one without an answer: when the peer's process ended, infinite before that. */
  end: number;
  /** `undefined` without an answer: it may have been done, or yet be. */
  readonly ack: Ack | undefined;
}

/** What a book does with a client: calls at one peer, after the other. */
export interface Caller {
  readonly place: Pick<Place, 'number' | 'life'> & { readonly peer: { readonly name: string } };
  readonly name: string;
  call(event: string, ...args: unknown[]): Promise<Attempt>;
}

/** A kind of load: does one operation, and remembers what may be demanded afterwards. */
export interface Workload {
  act(caller: Caller, random: Random): Promise<void>;
}

/** Attempts without an answer, by the place of their peer: when its process ends, nothing more comes of them. */
export class Unanswered {
  readonly #attempts = new Map<number, Attempt[]>();
  count = 0;

  add(attempt: Attempt): void {
    this.count++;
    const list = this.#attempts.get(attempt.place);
    if (list) list.push(attempt);
    else this.#attempts.set(attempt.place, [attempt]);
  }

  ended(place: number): void {
    const now = Date.now();
    for (const attempt of this.#attempts.get(place) ?? []) attempt.end = now;
    this.#attempts.delete(place);
  }
}

/** A client that goes from peer to peer and never waits long. */
export class Client implements Caller {
  readonly name: string;
  place: Place;
  readonly problems: string[];
  acknowledged = 0;
  #socket: Socket | undefined;
  #left = 0;
  #isStopped = false;
  readonly #field: Field;
  readonly #random: Random;
  readonly #unanswered: Unanswered;
  readonly #loads: readonly Workload[];

  constructor(
    name: string,
    field: Field,
    random: Random,
    unanswered: Unanswered,
    loads: readonly Workload[],
    problems: string[],
  ) {
    this.name = name;
    this.#field = field;
    this.#random = random;
    this.#unanswered = unanswered;
    this.#loads = loads;
    this.problems = problems;
    this.place = field.places[0] as Place;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Works until it is stopped. `pauseMs` lies between two operations on average. */
  async run(pauseMs: number): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#reach()) {
        this.place.calls++;
        try {
          await this.#random.pick(this.#loads)?.act(this, this.#random);
        } finally {
          this.place.calls--;
        }
      }
      await pause(pauseMs * 2 * this.#random.float());
    }
    this.#socket?.disconnect();
  }

  /** A connection to a peer that clients may go to. @returns whether there is one */
  async #reach(): Promise<boolean> {
    if (this.#socket?.connected === true && this.place.isOpen && --this.#left > 0) return true;
    this.#leave();
    const next = this.#random.pick(this.#field.running.filter(({ isOpen }) => isOpen));
    if (!next) return false;
    try {
      this.#socket = await connect(next.peer.url, { transports: ['websocket'], timeout: CONNECT_MS });
    } catch {
      // It is down or paused just now: the next attempt may meet another one.
      return false;
    }
    this.place = next;
    this.#left = STINT;
    return next.isOpen;
  }

  #leave(): void {
    this.#socket?.disconnect();
    this.#socket = undefined;
  }

  async call(event: string, ...args: unknown[]): Promise<Attempt> {
    const { number: place, life } = this.place;
    const start = Date.now();
    const ack = await this.#answerTo(event, args);
    if (ack?.ok === false && !REFUSALS.has(ack.error?.code ?? ''))
      this.problems.push(
        `${event} ${JSON.stringify(args)} at ${this.place.peer.name}: ${JSON.stringify(ack.error)}`,
      );
    if (ack?.ok === true) this.acknowledged++;
    const attempt = { place, life, start, end: ack ? Date.now() : Infinity, ack };
    if (!ack) {
      this.#unanswered.add(attempt);
      this.#leave();
    }
    return attempt;
  }

  #answerTo(event: string, args: readonly unknown[]): Promise<Ack | undefined> {
    const socket = this.#socket;
    if (!socket?.connected) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const settle = (ack?: Ack): void => {
        socket.off('disconnect', lost);
        resolve(ack);
      };
      const lost = (): void => settle();
      socket.once('disconnect', lost);
      socket
        .timeout(CALL_MS)
        .emit(event, ...args, (error: Error | null, ack: Ack) => settle(error ? undefined : ack));
    });
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
