import { expect, test } from '@jest/globals';
import type { LinkId } from '../../../src/base/ids.js';
import { PeerLink } from '../../../src/transport/peer-link.js';

const MB = 2 ** 20;

/** Links whose other sides read nothing at all, and acknowledge what they like. */
function deaf(count: number): { send(): void; kept(): number; closed: readonly string[] } {
  const closed: string[] = [];
  const owner = { received: () => undefined, closed: (_: LinkId, reason: string) => closed.push(reason) };
  const links = Array.from({ length: count }, (_, i) => {
    let bytes = 0;
    const link: PeerLink = new PeerLink(
      i as LinkId,
      'in',
      {
        remote: 'r',
        send: (message) => (bytes += message.length),
        backlog: () => bytes,
        end: () => undefined,
        destroy: () => link.gone(),
      },
      owner,
      1,
    );
    return link;
  });
  const kept = (): number => links.reduce((sum, { backlog }) => sum + backlog, 0);
  const message = new Uint8Array(MB);
  return { kept, closed, send: () => links.forEach((link) => link.send(message, () => [kept(), count])) };
}

test.each([
  [1, 97],
  [64, 580],
])('what waits for %s who do not read is bounded, all together: %s MB', (count, most) => {
  const links = deaf(count);
  for (let i = 0; i < 100; i++) {
    links.send();
    expect(links.kept()).toBeLessThanOrEqual(most * MB);
  }
  expect(new Set(links.closed)).toEqual(new Set(['the other side does not read']));
});
