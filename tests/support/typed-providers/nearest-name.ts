/** The name that differs least from a misspelt one; undefined when none is near. */
export function nearestName(misspelt: string, names: readonly string[]): string | undefined {
  const wanted = misspelt.toLowerCase();
  const [nearest] = names
    .map((name) => ({ name, distance: editDistance(wanted, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.ceil(name.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return nearest?.name;
}

/** How many letters must be put in, left out or changed (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of from.split("").entries()) {
    const next = [index + 1];
    for (const [column, other] of to.split("").entries()) {
      const changed = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
