/** Longest first, so that what runs alone at the end is short. Equal ones stay in their order. */
export function longestFirst<Item extends { readonly expectedS: number }>(
  items: readonly Item[],
): Item[] {
  return items.toSorted((one, other) => other.expectedS - one.expectedS);
}

/**
 * Runs every item, at most `jobs` at a time, each as soon as another has ended, and gives the results
 * in the order of the items. Once one rejects no further one is started; the first rejection is
 * passed on when all that were running have ended.
 */
export async function runBounded<Item, Result>(
  items: readonly Item[],
  jobs: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rejections: unknown[] = [];
  const waiting = [...items.entries()];
  const work = async (): Promise<void> => {
    for (;;) {
      const next = rejections.length === 0 ? waiting.shift() : undefined;
      if (next === undefined) return;
      const [index, item] = next;
      try {
        results[index] = await run(item);
      } catch (error) {
        rejections.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (rejections.length > 0) throw rejections[0];
  return results;
}
