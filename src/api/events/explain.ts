import type { StandingWrite } from '../explanation.js';
import { checkKey } from '../values.js';
import type { Options } from './arguments.js';
import type { Handler } from './client.js';
import { bucketOf, valueFor } from './data.js';

export const explain: Handler = ({ service, limits }, [key], options) => {
  checkKey(key, limits);
  const { writes, ...about } = service.explain(bucketOf(options), key);
  return { value: { ...about, writes: writes.map((write) => shown(write, options)) } };
};

const shown = ({ value, ...about }: StandingWrite, options: Options): object =>
  value === null ? { deleted: true, ...about } : { value: valueFor(value, options), ...about };
