import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SRC = join(ROOT, 'src');

/** The rooms of src/, in order: a room imports only from itself and from rooms before it. */
const ROOMS = ['base', 'config', 'data', 'protocol', 'replica', 'storage', 'transport', 'runtime', 'api'];
/** Rooms without I/O, timers, promises, clocks, chance and environment. */
const PURE = ['base', 'config', 'data', 'protocol', 'replica'];
/** Rooms that do not know each other although one comes first. */
const STRANGERS: readonly (readonly [string, string])[] = [['transport', 'storage']];
/** What pure rooms may import from outside: deterministic functions of their arguments. */
const PURE_PACKAGES = [
  'node:buffer',
  'node:crypto',
  'node:net',
  '@msgpack/msgpack',
  'zod',
  'fastest-levenshtein',
];
/** Of these packages, only these names: the rest of them does I/O or draws chance. */
const PURE_NAMES: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['hash'],
  'node:net': ['isIP', 'isIPv4', 'isIPv6'],
};
const IMPURE =
  /^(Date|performance|process|setTimeout|setInterval|setImmediate|queueMicrotask|Promise|fetch|console|globalThis|crypto)$/;

interface Import {
  readonly specifier: string;
  readonly names: readonly string[];
}

interface Source {
  readonly path: string;
  readonly room: string;
  readonly imports: readonly Import[];
  readonly tree: ts.SourceFile;
}

const sources = readSources();

function readSources(): Source[] {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return paths.map((path) => {
    const tree = ts.createSourceFile(
      path,
      readFileSync(join(SRC, path), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    return { path, room: path.split(/[\\/]/)[0] ?? '', imports: importsOf(tree), tree };
  });
}

function importsOf(tree: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
      const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined;
      const names =
        bindings && ts.isNamedImports(bindings)
          ? bindings.elements.map((e) => (e.propertyName ?? e.name).text)
          : [];
      imports.push({ specifier, names });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) imports.push({ specifier: argument.text, names: [] });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return imports;
}

/** The room that an import leads to, if it stays in src/. */
function roomOf(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return relative(SRC, resolve(SRC, dirname(source.path), specifier)).split(/[\\/]/)[0];
}

describe('the rooms', () => {
  test('are those of the design', () => {
    const rooms = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rooms.map(({ name }) => name).sort()).toEqual([...ROOMS].sort());
  });

  test('import only from rooms before them', () => {
    const wrong = sources.flatMap((source) =>
      source.imports.flatMap(({ specifier }) => {
        const room = roomOf(source, specifier);
        const own = ROOMS.indexOf(source.room);
        if (room === undefined || own < 0) return [];
        const strangers = STRANGERS.some(([a, b]) => source.room === a && room === b);
        return ROOMS.indexOf(room) > own || !ROOMS.includes(room) || strangers
          ? [`${source.path} -> ${specifier}`]
          : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('have no circles between files', () => {
    const graph = new Map(
      sources.map((source) => [
        source.path,
        source.imports
          .filter(({ specifier }) => specifier.startsWith('.'))
          .map(({ specifier }) =>
            relative(SRC, resolve(SRC, dirname(source.path), specifier)).replace(/\.js$/, '.ts'),
          ),
      ]),
    );
    expect(circlesIn(graph)).toEqual([]);
  });

  test('that are pure import nothing that is not', () => {
    const wrong = sources
      .filter(({ room }) => PURE.includes(room))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ specifier }) => !specifier.startsWith('.'))
          .filter(({ specifier, names }) => {
            const allowed = PURE_NAMES[specifier];
            return (
              !PURE_PACKAGES.includes(specifier) ||
              (allowed && !names.every((name) => allowed.includes(name)))
            );
          })
          .map(({ specifier, names }) => `${path} -> ${specifier} ${names.join(', ')}`),
      );
    expect(wrong).toEqual([]);
  });

  test('that are pure use no clock, timer, chance, promise or environment', () => {
    const wrong = sources.filter(({ room }) => PURE.includes(room)).flatMap(impuritiesOf);
    expect(wrong).toEqual([]);
  });
});

function impuritiesOf({ path, tree }: Source): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    found.push(`${path}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${what}`);
  };
  const visit = (node: ts.Node): void => {
    const isMember = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (
      ts.isIdentifier(node) &&
      IMPURE.test(node.text) &&
      !isMember &&
      !ts.isPropertySignature(node.parent)
    ) {
      report(node, node.text);
    }
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') report(node, 'Math.random');
    if (ts.isAwaitExpression(node)) report(node, 'await');
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(tree, visit);
  return found;
}

function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) walk(path, []);
  return circles;
}
