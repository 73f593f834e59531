import { readFileSync, writeFileSync } from 'node:fs';
import type { RunKey } from './journal.js';
import { expectedOf, isExpected } from './expected.js';
import type { CaseResult } from './part.js';
import type { PartResult } from './runner.js';

/** Results are written between these lines, and nothing else is touched. */
const FROM = '<!-- torture:results -->';
const TO = '<!-- /torture:results -->';
/** Problems that are told in full, of each kind. */
const TOLD = 3;

/** Problems by kind, those that nobody expects apart. */
export function problemsOf({ part, results }: PartResult): { unexpected: number; expected: number } {
  const counts = { unexpected: 0, expected: 0 };
  for (const { problems } of results) {
    if (problems.some(({ kind }) => !isExpected(part.name, kind))) counts.unexpected++;
    else if (problems.length > 0) counts.expected++;
  }
  return counts;
}

/** What one part did, as text for people and for the document. */
export function partText({ part, wanted, results, skipped }: PartResult): string {
  const title = `### ${part.name}\n\n${part.about}.`;
  if (skipped !== undefined) return `${title}\n\nSKIPPED: ${skipped}\n`;
  const groups = [...new Set(results.map(({ group }) => group))].sort();
  const rows = groups.map((group) =>
    rowOf(
      results.filter((result) => result.group === group),
      group,
    ),
  );
  const table = ['| case | run | outcome | with problems |', '|---|---:|---|---:|', ...rows].join('\n');
  const done = `${results.length} of ${wanted} cases were run.`;
  return [title, done, table, ...problemTexts(part.name, results)].join('\n\n') + '\n';
}

function rowOf(results: readonly CaseResult[], group: string): string {
  const outcomes = new Map<string, number>();
  for (const { outcome } of results) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const text = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, n]) => `${outcome} ${n}`);
  const bad = results.filter(({ problems }) => problems.length > 0).length;
  return `| ${group} | ${results.length} | ${text.join(', ')} | ${bad} |`;
}

/** Each kind with how many cases had it and the first few of them. */
function problemTexts(part: string, results: readonly CaseResult[]): string[] {
  const byKind = new Map<string, { id: string; text: string }[]>();
  for (const { id, group, problems } of results) {
    for (const { kind, text } of problems) {
      const list = byKind.get(kind) ?? [];
      if (list.push({ id: id.startsWith(group) ? id : `${group} ${id}`, text }) === 1) byKind.set(kind, list);
    }
  }
  return [...byKind].map(([kind, list]) => {
    const why = expectedOf(part, kind);
    const head = `**${kind}** in ${list.length}${why === undefined ? '' : `, expected: ${why}`}`;
    const lines = list.slice(0, TOLD).map(({ id, text }) => `- ${id}: ${shown(text)}`);
    return `${head}\n\n${lines.join('\n')}`;
  });
}

/** In one line, and without the paths of this machine. */
const shown = (text: string): string =>
  text
    .replace(/(file:\/\/)?\/[^\s"'):,<>]+\/(?=[^/\s])/g, '')
    .replace(/\s+/g, ' ')
    .slice(0, 300);

/** Puts the results into a document, in the place of those that are there. */
export function writeReport(path: string, key: RunKey, parts: readonly PartResult[]): void {
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(FROM), text.indexOf(TO)];
  if (from < 0 || to < from) throw new Error(`${path} has no lines ${FROM} and ${TO}`);
  const head = `Code ${key.version}, storage ${key.storage}, seed ${key.seed}, Node ${process.version}.`;
  const body = [head, ...parts.map(partText)].join('\n\n');
  writeFileSync(path, `${text.slice(0, from)}${FROM}\n\n${body}\n${text.slice(to)}`);
}
