import type { PeerId, SessionId } from '../../base/ids.js';
import { clipText, type Fields } from '../fields.js';
import { MAX_ADDRESSES, MAX_BUCKETS, MAX_SHUFFLED } from '../limits.js';
import type { Address } from '../messages.js';
import type { CodecsOf } from './message-codec.js';

/** Messages about links and the peers at their ends. */
export const linkCodecs: CodecsOf<
  'hello' | 'goodbye' | 'ping' | 'pong' | 'peers' | 'ack' | 'probe' | 'probed' | 'shuffle' | 'shuffled'
> = {
  hello: {
    write: (m) => [
      m.protocol,
      m.cluster,
      m.peer,
      m.session,
      m.name,
      m.url,
      m.clock,
      m.version,
      m.buckets.flatMap((b) => [b.bucket, b.policy, b.vectorHash, b.stateHash]),
      m.links,
      m.crowd,
    ],
    read(f) {
      const range = f.list();
      return {
        type: 'hello',
        protocol: [range.uint(), range.uint()],
        cluster: f.text(),
        peer: f.id() as PeerId,
        session: f.id() as SessionId,
        name: f.text(),
        url: f.orNull((field) => field.text()),
        clock: f.uint(),
        version: f.text(),
        buckets: f.eachOnce(
          MAX_BUCKETS,
          'a bucket',
          (b) => ({ bucket: b.bucket(), policy: b.text(), vectorHash: b.hash(), stateHash: b.hash() }),
          ({ bucket }) => bucket,
        ),
        // Version 2 had neither: it is told that it does not fit, as every version must.
        links: f.more ? f.uint() : 0,
        crowd: f.more ? f.uint() : 0,
      };
    },
  },
  goodbye: {
    write: ({ code, reason }) => [code, clipText(reason)],
    read: (f) => ({ type: 'goodbye', code: f.text(), reason: f.reason() }),
  },
  ping: {
    write: ({ id, clock }) => [id, clock],
    read: (f) => ({ type: 'ping', id: f.uint(), clock: f.uint() }),
  },
  pong: {
    write: ({ id, clock }) => [id, clock],
    read: (f) => ({ type: 'pong', id: f.uint(), clock: f.uint() }),
  },
  peers: {
    write: ({ addresses }) => [rowsOf(addresses)],
    read: (f) => ({ type: 'peers', addresses: f.each(MAX_ADDRESSES, addressIn) }),
  },
  ack: {
    write: ({ bytes }) => [bytes],
    read: (f) => ({ type: 'ack', bytes: f.uint() }),
  },
  probe: {
    write: ({ id, peer }) => [id, peer],
    read: (f) => ({ type: 'probe', id: f.uint(), peer: f.id() as PeerId }),
  },
  probed: {
    write: ({ id, peer, heardMsAgo }) => [id, peer, heardMsAgo],
    read: (f) => ({
      type: 'probed',
      id: f.uint(),
      peer: f.id() as PeerId,
      heardMsAgo: f.orNull((field) => field.uint()),
    }),
  },
  shuffle: {
    write: ({ id, hops, crowd, addresses }) => [id, hops, crowd, rowsOf(addresses)],
    read: (f) => ({
      type: 'shuffle',
      id: f.uint(),
      hops: f.uint(),
      crowd: f.uint(),
      addresses: f.each(MAX_SHUFFLED, addressIn),
    }),
  },
  shuffled: {
    write: ({ id, crowd, addresses }) => [id, crowd, rowsOf(addresses)],
    read: (f) => ({
      type: 'shuffled',
      id: f.uint(),
      crowd: f.uint(),
      addresses: f.each(MAX_SHUFFLED, addressIn),
    }),
  },
};

const rowsOf = (addresses: readonly Address[]): string[] =>
  addresses.flatMap(({ url, id, name }) => [url, id, name]);

const addressIn = (fields: Fields): Address => ({
  url: fields.text(),
  id: fields.id() as PeerId,
  name: fields.text(),
});
