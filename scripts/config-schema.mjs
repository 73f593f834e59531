// Writes docs/config.schema.json from the schema in src/config/schema.ts. Run `npm run build` first.
import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../dist/src/config/config.js';

const target = new URL('../docs/config.schema.json', import.meta.url);
const style = await resolveConfig(target);
writeFileSync(
  target,
  await format(JSON.stringify(configJsonSchema()), { ...style, filepath: target.pathname }),
);
