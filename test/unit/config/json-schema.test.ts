import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configJsonSchema } from '../../../src/config/config.js';

const docs = (name: string): Promise<string> => readFile(join(process.cwd(), 'docs', name), 'utf8');

interface Node {
  description?: string;
  default?: unknown;
  properties?: Record<string, Node>;
}

function* fields(node: Node, prefix = ''): Generator<[string, Node]> {
  for (const [name, field] of Object.entries(node.properties ?? {})) {
    yield [prefix + name, field];
    yield* fields(field, `${prefix}${name}.`);
  }
}

describe('the documents', () => {
  test('docs/config.schema.json is up to date (else: npm run build && node scripts/config-schema.mjs)', async () => {
    expect(JSON.parse(await docs('config.schema.json'))).toEqual(configJsonSchema());
  });

  test('every field has a description and a row in docs/CONFIG.md with its default', async () => {
    const rows = (await docs('CONFIG.md')).split('\n').filter((line) => line.startsWith('| `'));
    for (const [path, field] of fields(configJsonSchema())) {
      const row = rows.find((line) => line.startsWith(`| \`${path}\` |`));
      expect([path, field.description, row]).toEqual([path, expect.any(String), expect.any(String)]);
      const isSection = field.properties !== undefined || path === 'buckets';
      if (!isSection && field.default !== undefined) {
        const shown = JSON.stringify(field.default).replaceAll(',', ', ');
        expect(row).toContain(`| \`${shown}\` |`);
      }
    }
  });
});
