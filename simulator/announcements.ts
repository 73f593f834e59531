import type { PeerId } from '../src/base/ids.js';
import type { MemberRecord } from '../src/protocol/members.js';

/**
 * What the members of a world have announced, once for all: each of a thousand peers remembers of each member a vector
 * with a row for each origin. The latest announcement of a member, as it was heard first; a number names one alone, as
 * nobody is restored or lies in the worlds that hold them so.
 */
export class Announcements {
  readonly #latest = new Map<PeerId, MemberRecord>();

  /** The record, with the vectors and origins of the one that is held. */
  readonly held = (record: MemberRecord): MemberRecord => {
    const known = this.#latest.get(record.peer);
    if (known?.number === record.number) return { ...record, vectors: known.vectors, origins: known.origins };
    if (!known || known.number < record.number) this.#latest.set(record.peer, record);
    return record;
  };
}
