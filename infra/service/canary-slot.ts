import type { Assignment, ServiceOutputs, Slot } from "../contract.ts";

/**
 * The slot whose revision is being rolled out and was never primary; null when there is none. The slot beside the
 * primary also holds, after a promotion, the revision that was primary before: that one is no canary any more.
 */
export function canarySlot(assignment: Assignment, previous: ServiceOutputs | null): Slot | null {
  const other = assignment.primary === "blue" ? "green" : "blue";
  const revision = assignment.slots[other];
  if (revision === null || previous === null) return null;
  if (previous.assignment.primary !== assignment.primary) return null;
  const before = previous.assignment.slots[other];
  return before?.id === revision.id ? (previous.canary ?? null) : other;
}
