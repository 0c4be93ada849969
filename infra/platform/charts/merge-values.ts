/** Values of a chart: plain objects, and anything else at their ends. */
export type ChartValues = Readonly<Record<string, unknown>>;

/** One set of values laid over another, as Helm does it: objects are merged, all else (lists too) is replaced. */
export function mergeValues(under: ChartValues, over: ChartValues): ChartValues {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isPlain(before) && isPlain(value) ? mergeValues(before, value) : value;
  }
  return merged;
}

/** Not an output of a resource, which is an object too. */
function isPlain(value: unknown): value is ChartValues {
  return (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
