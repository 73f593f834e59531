import { dotToText, isSameDot } from '../../data/dot.js';
import { type Entry, sealEntry } from '../../data/entry.js';
import { MalformedMessage } from '../../protocol/fields.js';
import type { Answer, ListedEntry } from '../../protocol/messages.js';
import type { Bucket } from '../bucket.js';
import { supersedes } from './rivals.js';

/** An entry of an answer, with the listed entries of ours that it stands against. */
export interface Rival {
  readonly entry: Entry;
  readonly items: readonly ListedEntry[];
}

/** The answer to a listing, checked against it. */
export interface ReadAnswer {
  readonly rivals: readonly Rival[];
  /** The listed entries that the other side covers and does not hold. */
  readonly gone: readonly ListedEntry[];
  /** How many of the listed entries, from the first, were answered. */
  readonly answered: number;
}

/** @throws MalformedMessage when it is no answer to this listing */
export function readAnswer(bucket: Bucket, items: readonly ListedEntry[], answer: Answer): ReadAnswer {
  const { answered } = answer;
  if (answered < 1 || answered > items.length) throw new MalformedMessage('an answer to another listing');
  const rivals = rivalsOf(bucket, items, answer);
  const gone = answer.drop.map((place) => {
    const item = items[place];
    if (!item) throw new MalformedMessage('an answer about an entry that was not listed');
    if (place >= answered) throw new MalformedMessage('an answer about more than it says');
    return item;
  });
  return { rivals, gone, answered };
}

function rivalsOf(bucket: Bucket, items: readonly ListedEntry[], answer: Answer): Rival[] {
  const places = new Map<string, number[]>();
  const note = (name: string, place: number): void => {
    const list = places.get(name);
    if (list) list.push(place);
    else places.set(name, [place]);
  };
  for (const [place, item] of items.entries()) {
    note(`key ${item.key}`, place);
    note(`dot ${dotToText(item)}`, place);
  }
  return answer.entries.map((op) => {
    const entry = sealEntry(op);
    const near = [...(places.get(`key ${op.key}`) ?? []), ...(places.get(`dot ${dotToText(op)}`) ?? [])];
    const against = [...new Set(near)]
      .sort((a, b) => a - b)
      .filter((place) => isAgainst(bucket, entry, items[place] as ListedEntry));
    const [place] = against;
    if (place === undefined || place >= answer.answered)
      throw new MalformedMessage('an entry that nothing was asked about');
    return { entry, items: against.map((at) => items[at] as ListedEntry) };
  });
}

const isAgainst = (bucket: Bucket, entry: Entry, item: ListedEntry): boolean =>
  isSameDot(entry, item) || supersedes(bucket.policy, entry, item);
