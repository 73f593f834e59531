import { describe, expect, test } from '@jest/globals';
import { Decoder, Encoder, type Packet, PacketType } from 'socket.io-parser';
import {
  Attachments,
  ClientDecoder,
  ClientEncoder,
  JsonText,
  renderJson,
} from '../../../src/api/events/codec.js';

const packet = (data: unknown, more: Partial<Packet> = {}): Packet => ({
  type: PacketType.EVENT,
  nsp: '/',
  data,
  ...more,
});

function decode(...frames: unknown[]): Packet[] {
  const decoder = new ClientDecoder();
  const packets: Packet[] = [];
  decoder.on('decoded', (decoded: Packet) => packets.push(decoded));
  for (const frame of frames) decoder.add(frame);
  return packets;
}

const deepText = '['.repeat(50_000) + ']'.repeat(50_000);

describe('ClientEncoder', () => {
  test.each<[string, Packet]>([
    ['an event', packet(['failed', { event: 'get', error: { code: 'KEY_EMPTY', hint: undefined } }])],
    ['an ack', packet([{ ok: true, value: null, found: false }], { type: PacketType.ACK, id: 7 })],
    ['an event of another namespace', packet(['a', 1], { nsp: '/other', id: 0 })],
    ['a connect', packet({ sid: 'x' }, { type: PacketType.CONNECT })],
    ['a refusal', packet({ message: 'no', data: {} }, { type: PacketType.CONNECT_ERROR })],
    ['a disconnect', { type: PacketType.DISCONNECT, nsp: '/' }],
  ])('writes %s as the default parser does', (_what, sent) => {
    expect(new ClientEncoder().encode({ ...sent })).toEqual(new Encoder().encode({ ...sent }));
  });

  test('stored text goes out as it stands', () => {
    const body = { value: new JsonText('1.10'), rows: [{ value: new JsonText('{"__proto__":1}') }] };
    expect(new ClientEncoder().encode(packet(['change', body]))).toEqual([
      '2["change",{"value":1.10,"rows":[{"value":{"__proto__":1}}]}]',
    ]);
  });

  test('depth costs no stack, which the default parser runs out of', () => {
    expect(() => void new Encoder().encode(packet(['change', JSON.parse(deepText) as unknown]))).toThrow(
      RangeError,
    );
    expect(new ClientEncoder().encode(packet(['change', new JsonText(deepText)]))).toEqual([
      `2["change",${deepText}]`,
    ]);
  });

  test('renderJson leaves out what is undefined and escapes what it must', () => {
    expect(renderJson({ a: undefined, 'b"': '\ud800', c: [null, true] })).toBe(
      '{"b\\"":"\\ud800","c":[null,true]}',
    );
  });
});

describe('ClientDecoder', () => {
  test('reads plain packets as the default parser does', () => {
    const frames = [
      '212["get","a"]',
      '2["get"]',
      '31[1]',
      '0{"token":1}',
      '1',
      '2/other,3["a",{"__proto__":1}]',
    ];
    const expected: Packet[] = [];
    const reference = new Decoder();
    reference.on('decoded', (decoded: Packet) => expected.push(decoded));
    for (const frame of frames) reference.add(frame);
    expect(decode(...frames)).toEqual(expected);
  });

  test('drops attachments, however many, and says how many there were', () => {
    const bytes = Buffer.from('x');
    const frames = [
      '512-3["set",[{"_placeholder":true,"num":0}]]',
      ...Array<Buffer>(12).fill(bytes),
      '2["get","a"]',
    ];
    expect(() => new Decoder().add(frames[0])).toThrow('too many attachments');
    expect(decode(...frames)).toMatchObject([
      { type: PacketType.EVENT, id: 3, data: ['set', new Attachments(12)] },
      { type: PacketType.EVENT, data: ['get', 'a'] },
    ]);
  });

  test('depth costs no stack, which the default parser runs out of beside an attachment', () => {
    const frame = `51-["set",[{"_placeholder":true,"num":0},${deepText}]]`;
    const reference = new Decoder();
    reference.add(frame);
    expect(() => reference.add(Buffer.from('x'))).toThrow(RangeError);
    expect(decode(frame, Buffer.from('x'))).toMatchObject([{ data: ['set', new Attachments(1)] }]);
  });

  test.each<[string, unknown[]]>([
    ['attachments that nothing announced', [Buffer.from('x')]],
    ['one attachment too many', ['51-["set"]', Buffer.from('x'), Buffer.from('x')]],
    ['a packet where an attachment is due', ['52-["set"]', Buffer.from('x'), '2["get"]']],
    ['a binary packet without attachments', ['50-["set"]']],
    ['no count of attachments', ['5-["set"]']],
    ['an endless count of attachments', [`5${'9'.repeat(400)}-["set"]`]],
    ['no JSON', ['2["set"']],
    ['an unknown type', ['8']],
  ])('throws at %s', (_what, frames) => {
    expect(() => decode(...frames)).toThrow();
  });
});
