/** Puts `unsafe-lmdb.js` in the place of lmdb. */
export function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: object) => unknown,
): unknown {
  const unsafe = new URL('./unsafe-lmdb.js', import.meta.url).href;
  if (specifier === 'lmdb' && context.parentURL !== unsafe) return { url: unsafe, shortCircuit: true };
  return next(specifier, context);
}
