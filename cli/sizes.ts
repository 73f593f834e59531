const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `28 KiB`, `1.5 GiB`. */
export function shownSize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const scaled = bytes / 1024 ** power;
  const digits = scaled < 10 && power > 0 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${UNITS[power] ?? ''}`;
}
