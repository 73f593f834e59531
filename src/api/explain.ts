import { toText } from '../base/bytes.js';
import type { OriginId, PeerId } from '../base/ids.js';
import type { Cell } from '../data/cell.js';
import type { Entry } from '../data/entry.js';
import { memberKey } from '../data/policies/set.js';
import { stampMillis } from '../data/stamp.js';
import type { Bucket } from '../replica/bucket.js';
import { contentOf } from './cells.js';
import type {
  ExplainedArrival,
  ExplainedWrite,
  Explanation,
  PeerName,
  ReplacedWrite,
  StandingWrite,
} from './explanation.js';
import type { Arrival, History, Loser } from './history.js';
import type { Reader } from './reader.js';
import { namesOf } from './rows.js';

/** Of a set, this many of its members are explained. */
const MAX_MEMBERS = 100;

/** Who is who, as far as this peer knows. */
export interface PeerNames {
  ofOrigin(origin: OriginId): PeerName | null;
  ofPeer(peer: PeerId): PeerName;
}

/** Puts together what the store, the history and the member records know of a key. */
export class Explainer {
  readonly #reader: Reader;
  readonly #history: History;
  readonly #names: PeerNames;

  constructor(reader: Reader, history: History, names: PeerNames) {
    this.#reader = reader;
    this.#history = history;
    this.#names = names;
  }

  explain(bucket: Bucket, key: string): Explanation {
    const about = { bucket: bucket.name, key, policy: bucket.policy.name };
    if (bucket.policy.name === 'set') return { ...about, ...this.#set(bucket, key) };
    const writes = this.#standing(bucket, this.#reader.cell(bucket, key));
    const losers = this.#history.losersOf(bucket.name, key);
    return { ...about, writes, replaced: losers.map((loser) => this.#replaced(bucket, loser)), more: false };
  }

  #set(bucket: Bucket, key: string): Pick<Explanation, 'writes' | 'replaced' | 'more'> {
    const writes: StandingWrite[] = [];
    const replaced: ReplacedWrite[] = [];
    let members = 0;
    for (const { member, cell } of this.#reader.memberCells(bucket, key)) {
      if (++members > MAX_MEMBERS) return { writes, replaced, more: true };
      writes.push(...this.#standing(bucket, cell).map((write) => ({ member, ...write })));
      const losers = this.#history.losersOf(bucket.name, memberKey(key, member));
      replaced.push(...losers.map((loser) => ({ member, ...this.#replaced(bucket, loser) })));
    }
    return { writes, replaced, more: false };
  }

  #standing(bucket: Bucket, cell: Cell): StandingWrite[] {
    return cell.map((entry) => ({
      value: contentOf(bucket.policy.name, entry),
      ...this.#write(entry, this.#history.arrivalOf(bucket.name, entry.key, entry)),
    }));
  }

  #replaced(bucket: Bucket, loser: Loser): ReplacedWrite {
    const { preview, bytes, replacedAt, arrival } = loser;
    const isWhole = preview?.length === bytes;
    const shown = preview && isWhole ? contentOf(bucket.policy.name, { value: preview }) : preview;
    return {
      preview: shown && wholeCharacters(shown),
      bytes,
      replacedAt,
      ...this.#write(loser, arrival),
    };
  }

  #write(entry: Pick<Entry, 'origin' | 'seq' | 'stamp'>, arrival: Arrival | undefined): ExplainedWrite {
    return {
      ...namesOf(entry),
      time: stampMillis(entry.stamp),
      origin: entry.origin,
      peer: this.#names.ofOrigin(entry.origin),
      came: arrival ? this.#came(arrival) : null,
    };
  }

  #came({ at, from }: Arrival): ExplainedArrival {
    return from ? { at, how: from.how, peer: this.#names.ofPeer(from.peer) } : { at, how: 'written' };
  }
}

/** Without what is left of a character that was cut in two. */
const wholeCharacters = (bytes: Uint8Array): string => toText(bytes).replace(/\ufffd+$/, '');
