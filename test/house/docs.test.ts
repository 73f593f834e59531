import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';
import { exitCodeOf } from '../../cli/exit-codes.js';
import { commandEntries } from '../../cli/registry.js';
import { ERROR_CODES } from '../../src/base/errors.js';
import { parseConfig } from '../../src/config/config.js';
import { PROTOCOL_MAX, PROTOCOL_MIN } from '../../src/protocol/limits.js';
import { newCounters } from '../../src/replica/core.js';
import { blocksOf, proseOf, readPage, readPages, ROOT, rowsOf, type Page } from '../tools/markdown.js';

const pages = readPages();
const operations = readPage('docs/OPERATIONS.md');
const readme = readPage('README.md');

describe('links', () => {
  test('of every page lead to a file, and to a heading in it', () => {
    const broken = pages.flatMap((page) =>
      linksOf(page)
        .filter((link) => !leadsSomewhere(page, link))
        .map((link) => `${page.path}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('are found at all', () => {
    expect(linksOf(readme)).toEqual(
      expect.arrayContaining(['docs/overview.svg', 'docs/OPERATIONS.md#status']),
    );
    expect(anchorsOf(readme)).toContain('socketio-events');
    expect(leadsSomewhere(readme, 'docs/OPERATIONS.md#no-such-heading')).toBe(false);
  });
});

const linksOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link));

function leadsSomewhere(page: Page, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? page.path : posix.join(dirname(page.path), file);
  if (!existsSync(join(ROOT, path))) return false;
  if (anchor === undefined) return true;
  const target = pages.find((one) => one.path === path);
  return target !== undefined && anchorsOf(target).includes(anchor);
}

/** As GitHub makes them of headings. */
const anchorsOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('config examples', () => {
  for (const page of pages) {
    const examples = blocksOf(page).filter(
      ({ language, text }) => language === 'json' && text.includes('"port"'),
    );
    for (const { text, heading } of examples) {
      test(`${page.path}, ${heading}`, () => {
        expect(parseConfig(JSON.parse(text)).port).toBeGreaterThan(0);
      });
    }
  }
});

describe('docs/OPERATIONS.md', () => {
  const isNamed = (name: string): boolean => proseOf(operations).includes(`\`${name}\``);

  test('lists every error code with its exit code and what to do', () => {
    const rows = rowsOf(operations, 3).filter(
      ([code = '', exit = '']) => /^`[A-Z_]+`$/.test(code) && /^\d$/.test(exit),
    );
    expect(rows.map(([code = '', exit]) => [code.slice(1, -1), Number(exit)])).toEqual(
      ERROR_CODES.map((code) => [code, exitCodeOf(code)]),
    );
    expect(rows.filter(([, , advice = '']) => advice.length < 10)).toEqual([]);
  });

  test('lists every event of the log', () => {
    const events = logEvents();
    expect(events).toEqual(expect.arrayContaining(['connected', 'divergence', 'goodbye']));
    expect(events.filter((event) => !isNamed(event))).toEqual([]);
  });

  test('lists every field of status and getPeers, and every counter', () => {
    const fields = ['Status', 'BucketStatus', 'PeerSync', 'PeerInfo'].flatMap((name) =>
      membersOf('api/service.ts', name),
    );
    expect(fields).toEqual(expect.arrayContaining(['inSync', 'rttMs', 'behind']));
    expect([...fields, ...Object.keys(newCounters())].filter((name) => !isNamed(name))).toEqual([]);
  });
});

test('docs/SIMULATOR.md lists every field of simulate --json', () => {
  const fields = ['ExperimentOptions', 'ExperimentResult', 'Hops'].flatMap((name) => [
    ...membersOf('../simulator/experiment/options.ts', name),
    ...membersOf('../simulator/experiment/stretch.ts', name),
  ]);
  expect(fields).toEqual(expect.arrayContaining(['partitionMs', 'byDeltas', 'afterMs', 'mean']));
  const text = proseOf(readPage('docs/SIMULATOR.md'));
  expect(fields.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test('the protocol that this version speaks is told wherever somebody upgrades', () => {
  const [unreleased = ''] = /## \[Unreleased\][^]*?(?=\n## )/.exec(readPage('CHANGELOG.md').text) ?? [];
  const told = (text: string): string[] =>
    [...text.matchAll(/protocol(?: version)? (\d+)/gi)].map(([, version = '']) => version);
  expect(new Set(told(unreleased))).toEqual(new Set([String(PROTOCOL_MAX)]));
  expect(PROTOCOL_MIN).toBe(PROTOCOL_MAX);
  expect(told(operations.text)).toEqual(['1', String(PROTOCOL_MAX)]);
});

describe('README.md', () => {
  test('lists every command with its aliases', () => {
    const table = proseOf(readme);
    const names = commandEntries().flatMap(([name, { aliases }]) => [name, ...aliases]);
    expect(names.filter((name) => !new RegExp(`\`${name}[\` ]`).test(table))).toEqual([]);
  });

  test('lists every Socket.IO event', () => {
    const source = readFileSync(join(ROOT, 'src/api/events/table.ts'), 'utf8');
    const events = [...source.matchAll(/\{ name: '(\w+)', args/g)].map(([, name = '']) => name);
    expect(events).toContain('setMany');
    expect(events.filter((name) => !proseOf(readme).includes(`\`${name}(`))).toEqual([]);
  });
});

describe('the API reference', () => {
  test('has words for all that is exported and for every public method, and is built without a warning', () => {
    const typedoc = join(ROOT, 'node_modules/typedoc/bin/typedoc');
    const output = execFileSync(process.execPath, [typedoc, '--emit', 'none'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(output).not.toContain('warning');
  }, 60_000);
});

const sourceAt = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);

/** The names that `turn.note(level, event, ...)` is called with, anywhere in the core. */
function logEvents(): string[] {
  const folder = join(ROOT, 'src/replica');
  const events: string[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'note'
    ) {
      const event = node.arguments[1];
      if (event === undefined || !ts.isStringLiteral(event))
        throw new Error(`an event without a plain name: ${node.getText()}`);
      events.push(event.text);
    }
    ts.forEachChild(node, visit);
  };
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) visit(sourceAt(join(folder, file)));
  return events;
}

/** The members of an interface, nested ones too. */
function membersOf(file: string, name: string): string[] {
  const members: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isPropertySignature(node)) members.push(node.name.getText());
    ts.forEachChild(node, collect);
  };
  sourceAt(join(ROOT, 'src', file)).forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === name) collect(node);
  });
  return members;
}
