/** Asks again and again until `probe` gives something true; fails with the last answer when time is up. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { withinMs = 20_000, everyMs = 15 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    let last: unknown;
    try {
      const answer = await probe();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until)
      throw new Error(`not within ${withinMs} ms: ${what}; last: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
