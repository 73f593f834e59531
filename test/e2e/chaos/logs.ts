import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Field } from './field.js';

const ERROR_LEVEL = 50;
const WARN_LEVEL = 40;

interface Line {
  readonly level: number;
  readonly event: string;
  readonly text: string;
}

function linesOf(log: string): Line[] {
  const texts = log.split('\n').filter((text) => text !== '');
  return texts.map((text) => {
    try {
      const { level, event, msg } = JSON.parse(text) as { level: number; event?: string; msg?: string };
      return { level, event: event ?? msg ?? '', text };
    } catch {
      // The last words of a process that was killed may be cut; a stack trace is no line of the log at all.
      return { level: text.startsWith('{') ? 0 : ERROR_LEVEL, event: 'not a line of the log', text };
    }
  });
}

/** What no fault excuses: lines of the level error, and whatever is not from the log. */
export const errorsIn = (field: Field): string[] =>
  field.places.flatMap(({ peer }) =>
    linesOf(peer.log)
      .filter(({ level }) => level >= ERROR_LEVEL)
      .map(({ text }) => `${peer.name}: ${text}`),
  );

/** How often each warning was given, by all peers together. */
export function warningsIn(field: Field): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { level, event } of field.places.flatMap(({ peer }) => linesOf(peer.log)))
    if (level === WARN_LEVEL) counts.set(event, (counts.get(event) ?? 0) + 1);
  return counts;
}

/** Writes all logs to a folder that outlives the test. @returns its path */
export function keepLogs(field: Field): string {
  const folder = mkdtempSync(join(tmpdir(), 'rumeur-chaos-'));
  for (const { peer } of field.places) writeFileSync(join(folder, `${peer.name}.log`), peer.log);
  return folder;
}
