import { at, elements } from "./properties.ts";

/** The header by which a router keeps both slots known to its proxy, on requests that nobody sends. */
const keeperHeader = "x-upramp-keeper";

/** Whether a rule of a route is for no request: its weights split nothing. */
export function isKeeper(rule: unknown): boolean {
  const matches = elements(at(rule, "matches"));
  return (
    matches.length > 0 &&
    matches.every((match) =>
      elements(at(match, "headers")).some((header) => at(header, "name") === keeperHeader),
    )
  );
}
