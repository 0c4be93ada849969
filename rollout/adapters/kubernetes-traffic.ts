import { slots, type Slot, type Weights } from "../core/assignment.ts";
import type { Readiness } from "../core/decide.ts";
import type { Traffic } from "../ports.ts";

/** The split that a router's object shows, or why it shows none, in the words of whoever refuses it. */
export type Split =
  | { readonly kind: "shown"; readonly weights: Weights }
  | { readonly kind: "none"; readonly why: string };

/** Both halves as one reading. What cannot be read is a value: the driver's bounds deal with it. */
export async function readTraffic(
  split: Promise<Split>,
  workloads: Promise<Readonly<Record<Slot, Readiness>>>,
): Promise<Traffic> {
  const [shown, ready] = await Promise.allSettled([split, workloads]);
  const obstacles: string[] = [];
  let weights: Weights | null = null;
  if (shown.status === "rejected") obstacles.push(wordsOf(shown.reason));
  else if (shown.value.kind === "none") obstacles.push(shown.value.why);
  else weights = shown.value.weights;
  if (ready.status === "rejected") obstacles.push(wordsOf(ready.reason));
  return {
    weights,
    ready: ready.status === "fulfilled" ? ready.value : null,
    // both are told the same when the server is away
    ...(obstacles.length === 0 ? {} : { obstacle: [...new Set(obstacles)].join("; ") }),
  };
}

/**
 * The split of the first rule, which is the one that splits. Further rules (the requests that an A/B match leaves
 * with the primary) name one slot; one that splits too has been edited, and then there is no split to tell.
 */
export function splitOf(rules: readonly Weights[], object: string): Split {
  const [first, ...others] = rules;
  if (first === undefined) return { kind: "none", why: `${object} has no rule` };
  if (first.blue + first.green !== 100) {
    const why = `the first rule of ${object} has weights ${first.blue} (blue) and ${first.green} (green), which do not add up to 100`;
    return { kind: "none", why };
  }
  const splits = others.findIndex((other) => slots.every((slot) => other[slot] !== 0));
  if (splits === -1) return { kind: "shown", weights: first };
  return { kind: "none", why: `rule ${splits + 2} of ${object} splits too` };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
