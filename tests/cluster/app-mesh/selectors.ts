import type { Selector } from "./objects.ts";

type Labels = Readonly<Record<string, string>>;

/** Whether labels match. As in Kubernetes: no selector matches nothing, an empty one everything. */
export function selects(selector: Selector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const { matchLabels, matchExpressions } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => matches(expression, labels))
  );
}

function matches(
  { key, operator, values }: Selector["matchExpressions"][number],
  labels: Labels,
): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      throw new Error(`"${operator}" is not a valid label selector operator`);
  }
}
