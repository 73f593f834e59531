import { describe, expect, test } from '@jest/globals';
import type { PeerId } from '../../../src/base/ids.js';
import { Random } from '../../../src/base/random.js';
import {
  AddressBook,
  type AddressBookOptions,
  type AddressRecord,
} from '../../../src/protocol/address-book.js';

const OPTIONS: AddressBookOptions = { ownUrl: 'http://self:1', capacity: 5, backoffMs: [200, 5000] };
const peer = (letter: string): PeerId => letter.repeat(21) as PeerId;
const url = (name: string): string => `http://${name}:1`;
const nobody = (): boolean => false;

function bookOf(
  configured: readonly string[],
  stored: readonly AddressRecord[] = [],
  options: Partial<AddressBookOptions> = {},
): AddressBook {
  return new AddressBook(configured.map(url), stored, { ...OPTIONS, ...options }, Random.fromNumber(1));
}

const known = (book: AddressBook): string[] => [...book.active()].map(({ record }) => record.url).sort();

/** The book as it is after a restart with this config. */
function restarted(book: AddressBook, configured: readonly string[] = []): AddressBook {
  return bookOf(configured, book.takeChanges() ?? []);
}

describe('dialling', () => {
  test('every address is due at once, ourselves never', () => {
    const book = bookOf(['a', 'b', 'self']);
    expect(book.due(0, nobody)).toEqual([url('a'), url('b')]);
    expect(book.nextDueAt(nobody)).toBe(0);
  });

  test('not while an attempt is under way, nor while its peer is linked', () => {
    const book = bookOf(['a', 'b']);
    book.dialStarted(url('a'));
    book.reached(url('b'), peer('b'), 'b');
    expect(book.due(0, (id) => id === peer('b'))).toEqual([]);
    expect(book.nextDueAt((id) => id === peer('b'))).toBe(Infinity);
    expect(book.due(0, nobody)).toEqual([url('b')]);
  });

  test('pauses grow with each failure, with jitter, between their bounds', () => {
    const pauses = Array.from({ length: 40 }, (_, seed) => {
      const book = new AddressBook([url('a')], [], OPTIONS, Random.fromNumber(seed));
      return Array.from({ length: 12 }, () => {
        book.dialFailed(url('a'), 1000);
        return book.nextDueAt(nobody) - 1000;
      });
    });
    for (let failure = 0; failure < 12; failure++) {
      const bound = Math.min(5000, 200 * 2 ** (failure + 1));
      const column = pauses.map((row) => row[failure] as number);
      for (const pause of column) {
        expect(pause).toBeGreaterThanOrEqual(Math.max(100, bound / 4));
        expect(pause).toBeLessThanOrEqual(bound);
      }
      expect(new Set(column).size).toBeGreaterThan(20);
    }
  });

  test('a success starts the pauses anew', () => {
    const book = bookOf(['a']);
    for (let i = 0; i < 10; i++) book.dialFailed(url('a'), 0);
    book.reached(url('a'), peer('a'), 'a');
    book.lost(peer('a'), 0, false);
    expect(book.nextDueAt(nobody)).toBeLessThanOrEqual(400);
    book.dialFailed(url('a'), 0);
    expect(book.get(url('a'))?.failures).toBe(1);
  });

  test('after a refusal the pause is a long one, for all addresses of that peer', () => {
    const book = bookOf(['a', 'alias', 'b']);
    for (const name of ['a', 'alias']) book.reached(url(name), peer('a'), 'a');
    book.lost(peer('a'), 0, true);
    expect(book.due(1249, nobody)).toEqual([url('b')]);
    expect(book.due(5000, nobody)).toEqual([url('a'), url('alias'), url('b')]);
  });

  test('an address that leads to ourselves is not dialled again', () => {
    const book = bookOf(['localhost']);
    book.dialStarted(url('localhost'));
    book.isSelf(url('localhost'));
    book.dialFailed(url('localhost'), 0);
    expect(book.due(1e9, nobody)).toEqual([]);
    expect(known(book)).toEqual([]);
  });
});

describe('what is remembered', () => {
  test('whoever was met, over a restart; nothing new means nothing to store', () => {
    const book = bookOf(['a']);
    expect(book.takeChanges()).toBeUndefined();
    book.reached(url('a'), peer('a'), 'first');
    expect(book.takeChanges()).toEqual([{ url: url('a'), source: 'config', id: peer('a'), name: 'first' }]);
    book.reached(url('a'), peer('a'), 'first');
    expect(book.takeChanges()).toBeUndefined();
    book.reached(url('a'), peer('b'), 'second');
    expect(book.takeChanges()?.[0]?.id).toBe(peer('b'));
  });

  test('a configured address that left the config is forgotten, an added one is not', () => {
    const book = bookOf(['a']);
    book.add(url('b'));
    book.reached(url('a'), peer('a'), 'a');
    expect(known(restarted(book))).toEqual([url('b')]);
  });

  test('the config takes an address over that was known before, with the peer met there', () => {
    const book = bookOf([]);
    book.learn(url('a'), peer('a'), 'a');
    const next = restarted(book, ['a']);
    expect(next.get(url('a'))?.record).toEqual({ url: url('a'), source: 'config', id: peer('a'), name: 'a' });
  });
});

describe('keeping a peer out', () => {
  test('by address and by id, over a restart, also against the config, until it is added again', () => {
    const book = bookOf(['a', 'alias']);
    for (const name of ['a', 'alias']) book.reached(url(name), peer('a'), 'a');
    book.remove([url('a')], peer('a'));
    const next = restarted(book, ['a', 'alias']);
    expect(known(next)).toEqual([]);
    expect(next.isRemoved(url('a'), peer('z'))).toBe(true);
    expect(next.isRemoved(url('elsewhere'), peer('a'))).toBe(true);
    expect(next.isRemoved(null, peer('z'))).toBe(false);
    next.add(url('a'));
    expect(known(next)).toEqual([url('a')]);
    expect(next.isRemoved(url('alias'), peer('a'))).toBe(false);
    expect(known(restarted(next))).toEqual([url('a')]);
  });

  test('by id alone, of a peer that has no address', () => {
    const book = bookOf([]);
    book.remove([], peer('a'));
    const next = restarted(book);
    expect(next.isRemoved(null, peer('a'))).toBe(true);
    expect(next.due(0, nobody)).toEqual([]);
  });

  test('hearsay does not bring it back', () => {
    const book = bookOf(['a']);
    book.reached(url('a'), peer('a'), 'a');
    book.remove([url('a')], peer('a'));
    expect(book.learn(url('a'), peer('z'), 'z')).toBe(false);
    expect(book.learn(url('new'), peer('a'), 'a')).toBe(false);
    expect(known(book)).toEqual([]);
  });

  test('an address whose peer was not known yet: it is kept out by its id as soon as it is met', () => {
    const book = bookOf(['a']);
    book.dialStarted(url('a'));
    book.remove([url('a')], undefined);
    book.met(url('a'), peer('a'), 'a');
    expect(restarted(book).isRemoved(url('other'), peer('a'))).toBe(true);
  });

  test('another address of it that is added by hand lets it in, a configured one does not', () => {
    const book = bookOf(['b']);
    book.remove([], peer('a'));
    book.met(url('b'), peer('a'), 'a');
    expect(book.isRemoved(null, peer('a'))).toBe(true);
    book.add(url('c'));
    book.met(url('c'), peer('a'), 'a');
    expect(book.isRemoved(null, peer('a'))).toBe(false);
  });
});

describe('adding', () => {
  test('makes an address due at once, however often it failed', () => {
    const book = bookOf(['a']);
    for (let i = 0; i < 9; i++) book.dialFailed(url('a'), 0);
    book.add(url('a'));
    expect(book.due(0, nobody)).toEqual([url('a')]);
    expect(book.get(url('a'))?.record.source).toBe('config');
  });

  test('does not start a second attempt beside one under way', () => {
    const book = bookOf(['a']);
    book.dialStarted(url('a'));
    book.add(url('a'));
    expect(book.due(1e9, nobody)).toEqual([]);
    book.remove([url('a')], undefined);
    book.add(url('a'));
    expect(book.due(1e9, nobody)).toEqual([]);
  });
});

describe('hearsay', () => {
  test('is news once', () => {
    const book = bookOf([]);
    expect(book.learn(url('a'), peer('a'), 'a')).toBe(true);
    expect(book.learn(url('a'), peer('a'), 'a')).toBe(false);
    expect(book.learn(url('self'), peer('x'), 'x')).toBe(false);
  });

  test('does not say whose a configured address is: else it could keep us from dialling it', () => {
    const book = bookOf(['a']);
    expect(book.learn(url('a'), peer('linked'), 'a')).toBe(false);
    expect(book.due(0, (id) => id === peer('linked'))).toEqual([url('a')]);
  });

  test('never fills more than the book holds, and displaces nothing that was named or works', () => {
    const book = bookOf(['a', 'b'], [], { capacity: 5 });
    book.add(url('c'));
    for (const name of ['a', 'b', 'c']) book.dialFailed(url(name), 0);
    for (let i = 0; i < 100; i++) book.learn(url(`fake-${i}`), peer('f'), 'fake');
    expect(known(book)).toHaveLength(5);
    expect(known(book)).toEqual(expect.arrayContaining([url('a'), url('b'), url('c')]));
  });

  test('of a full book the learned address that failed most makes room', () => {
    const book = bookOf([], [], { capacity: 3 });
    for (const name of ['a', 'b', 'c']) book.learn(url(name), peer(name), name);
    book.dialFailed(url('a'), 0);
    for (let i = 0; i < 2; i++) book.dialFailed(url('b'), 0);
    expect(book.learn(url('d'), peer('d'), 'd')).toBe(true);
    expect(known(book)).toEqual([url('a'), url('c'), url('d')]);
  });
});
