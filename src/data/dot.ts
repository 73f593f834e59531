import { ID_LENGTH, isId, type OriginId } from '../base/ids.js';

/** Names one write of a bucket for ever: the message ID by which duplicates are recognised. */
export interface Dot {
  readonly origin: OriginId;
  /** 1, 2, 3, ... for each origin and bucket. */
  readonly seq: number;
}

/** `origin.seq`. */
export const dotToText = (dot: Dot): string => `${dot.origin}.${dot.seq}`;

export function dotFromText(text: string): Dot | undefined {
  const origin = text.slice(0, ID_LENGTH);
  const digits = text.slice(ID_LENGTH + 1);
  const seq = Number(digits);
  const sound =
    isId(origin) && text[ID_LENGTH] === '.' && /^[1-9]\d{0,15}$/.test(digits) && Number.isSafeInteger(seq);
  return sound ? { origin: origin as OriginId, seq } : undefined;
}
