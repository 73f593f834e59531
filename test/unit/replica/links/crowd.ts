import type { PeerId } from '../../../../src/base/ids.js';
import { activeLinks } from '../../../../src/replica/core.js';
import type { Address } from '../../../../src/protocol/messages.js';
import { EPOCH, peerId, Subject } from '../builders.js';

export const LETTERS = Array.from('ABCDEFGHIJKLNOPQRSTUVWXYZ');

export const addressOf = (name: string): Address => ({
  url: `http://${name.toLowerCase()}:1`,
  id: peerId(name),
  name,
});

/** Made up: such addresses lead nowhere. */
export const madeUp = (from: number, count: number): Address[] =>
  Array.from({ length: count }, (_, i) => ({
    url: `http://10.0.${(from + i) >> 8}.${(from + i) & 255}:1`,
    id: String(from + i).padStart(21, 'x') as PeerId,
    name: 'nobody',
  }));

/** Pings are rare: neighbours need not answer them. */
export const RARE_PINGS = { pingMs: 3_600_000, pingTimeoutMs: 3_600_000 };

/** A replica with neighbours that have been saying for a while that they are in a crowd. */
export function crowded(
  count: number,
  settings: ConstructorParameters<typeof Subject>[0] = {},
  isDialable: (letter: string) => boolean = () => true,
): Subject {
  const subject = new Subject({ links: 64, addresses: 512, meshPeers: 10, ...RARE_PINGS, ...settings });
  for (const letter of LETTERS.slice(0, count)) {
    const url = isDialable(letter) ? addressOf(letter).url : null;
    subject.meet(letter, { hello: { ...addressOf(letter), url, crowd: 100, links: 5 } });
  }
  answerPings(subject);
  subject.now += 5_001;
  subject.take({ kind: 'wake' });
  answerPings(subject);
  subject.clear();
  subject.dials.length = 0;
  return subject;
}

function answerPings(subject: Subject): void {
  for (const { id } of activeLinks(subject.replica.core)) {
    for (const ping of subject.sent('ping', id)) subject.say(id, { type: 'pong', id: ping.id, clock: EPOCH });
  }
}

export const names = (subject: Subject): string[] =>
  activeLinks(subject.replica.core).map(({ hello }) => hello?.name ?? '?');
export const known = (subject: Subject): string[] =>
  [...subject.replica.core.addresses.active()].map(({ record }) => record.url);
export const goodbyes = (subject: Subject): string[] => subject.sent('goodbye').map(({ code }) => code);
