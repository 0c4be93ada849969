/** What something took, part by part, in ms. */
export type Parts = Readonly<Record<string, number>>;

export function median(parts: readonly Parts[], name: string): number {
  const values = parts.map((part) => part[name] ?? NaN).toSorted((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? NaN;
}

export function print(title: string, parts: readonly Parts[]): void {
  console.log(`\n${title} (median of ${parts.length}, ms)`);
  for (const name of Object.keys(parts[0] ?? {})) {
    console.log(`  ${name.padEnd(34)}${median(parts, name).toFixed(0).padStart(6)}`);
  }
}
