import { checkKey, encodeRaw, type ValueLimits } from '../../src/api/values.js';
import { toRumeurError } from '../../src/base/errors.js';
import { roundTrip, scanJson } from '../json-text.js';

/** One key to write; `number` is its line in the input, `value` JSON text. */
export interface Entry {
  readonly number: number;
  readonly key: string;
  readonly value: string;
}

/** Something that cannot be written, and why. */
export interface BadEntry {
  readonly number: number;
  readonly problem: string;
}

export type Parsed = Entry | BadEntry;

export const isBad = (parsed: Parsed): parsed is BadEntry => 'problem' in parsed;

/** Reads a line `{"key": ..., "value": ...}`. No digit of the value is lost. */
export function parseLine(number: number, text: string, limits: ValueLimits): Parsed {
  try {
    const { key, value } = membersOf(text);
    return checkedEntry({ number, key, value }, limits);
  } catch (thrown) {
    return { number, problem: toRumeurError(thrown).message };
  }
}

/** An entry within the limits, or what is wrong with it; `value` is known to be JSON. */
export function checkedEntry(entry: Entry, limits: ValueLimits): Parsed {
  try {
    checkKey(entry.key, limits);
    // A text this short is neither too large nor nested too deep.
    if (entry.value.length > Math.min(limits.valueDepth, limits.valueBytes / 3))
      encodeRaw(entry.value, limits);
    return entry;
  } catch (thrown) {
    return { number: entry.number, problem: toRumeurError(thrown).message };
  }
}

function membersOf(text: string): { key: string; value: string } {
  const parsed: unknown = JSON.parse(text);
  // Nearly every line is as `export` writes it; then the text of the value is what stands after its name.
  if (isRecord(parsed) && typeof parsed['key'] === 'string') {
    const prefix = `{"key":${JSON.stringify(parsed['key'])},"value":`;
    const value = text.startsWith(prefix) ? text.slice(prefix.length, -1) : undefined;
    if (value !== undefined && roundTrip(parsed['value']) === value && Object.keys(parsed).length === 2) {
      return { key: parsed['key'], value };
    }
  }
  return slowly(text);
}

function slowly(text: string): { key: string; value: string } {
  const { members, duplicate } = scanJson(text);
  if (members === undefined) throw new Error('not an object with "key" and "value"');
  if (duplicate !== undefined) throw new Error(`the member ${JSON.stringify(duplicate)} occurs twice`);
  const named = new Map(members);
  const key = named.get('key');
  const value = named.get('value');
  if (key === undefined) throw new Error('no "key"');
  if (value === undefined) throw new Error('no "value"');
  const other = members.find(([name]) => name !== 'key' && name !== 'value');
  if (other !== undefined)
    throw new Error(`unknown member ${JSON.stringify(other[0])} beside "key" and "value"`);
  if (!key.startsWith('"')) throw new Error('"key" is no string');
  return { key: JSON.parse(key) as string, value };
}

/** The members of one object of key to value. @throws Error when the text is no such object */
export function parseObject(text: string, limits: ValueLimits): Parsed[] {
  const { members } = scanJson(text);
  if (members === undefined) throw new Error('not one object of key to value');
  const seen = new Set<string>();
  return members.map(([key, value], index) => {
    const number = index + 1;
    const isTwice = seen.size === seen.add(key).size;
    if (isTwice) return { number, problem: `the key ${JSON.stringify(key)} occurs twice` };
    const { duplicate } = scanJson(value);
    if (duplicate !== undefined)
      return { number, problem: `the member ${JSON.stringify(duplicate)} occurs twice` };
    return checkedEntry({ number, key, value }, limits);
  });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
