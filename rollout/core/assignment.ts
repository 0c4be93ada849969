/** One of the two workloads of a service. Slots are fixed names; roles (primary, canary) move between them. */
export type Slot = "blue" | "green";

export const slots = ["blue", "green"] as const satisfies readonly Slot[];

export function otherSlot(slot: Slot): Slot {
  return slot === "blue" ? "green" : "blue";
}

/**
 * Identity of what runs. `id` is a hash of the content and decides equality; `name` is for people;
 * `content` is what the program needs to run it and is opaque to the core.
 */
export interface Revision {
  readonly id: string;
  readonly name: string;
  readonly content: unknown;
}

/** Percent of requests per slot: integers 0–100 that add up to 100. */
export type Weights = Readonly<Record<Slot, number>>;

/**
 * The whole desired state of one service: what runs in each slot, which slot is primary, how
 * requests are split. Every change is applied as one complete assignment, so applying twice is harmless.
 */
export interface Assignment {
  readonly primary: Slot;
  readonly slots: Readonly<Record<Slot, Revision | null>>;
  readonly weights: Weights;
  /**
   * Workloads that carry all requests, as the primary had when the rollout began. While both slots are filled,
   * neither an autoscaler nor a weight takes them from the slot that may have to take everything back. Absent at
   * rest, and when nobody could count.
   */
  readonly capacity?: number | undefined;
}

/** All requests to `slot`. */
export function allTo(slot: Slot): Weights {
  return split(slot, 100);
}

/** `weight` percent to `slot`, the rest to the other one. */
export function split(slot: Slot, weight: number): Weights {
  return slot === "blue"
    ? { blue: weight, green: 100 - weight }
    : { blue: 100 - weight, green: weight };
}

export function sameWeights(a: Weights, b: Weights): boolean {
  return a.blue === b.blue && a.green === b.green;
}

/** The same with one slot less, at the end of a rollout: what is left scales as it likes. */
export function emptied({ primary, slots: filled, weights }: Assignment, slot: Slot): Assignment {
  return { primary, slots: { ...filled, [slot]: null }, weights };
}

/** True when both say the same: same primary, same revision in each slot, same split. */
export function sameAssignment(a: Assignment, b: Assignment): boolean {
  return (
    a.primary === b.primary &&
    sameWeights(a.weights, b.weights) &&
    slots.every((slot) => a.slots[slot]?.id === b.slots[slot]?.id)
  );
}

/** The revision that serves as primary. Throws when the assignment is broken: a primary slot is never empty. */
export function primaryRevision(assignment: Assignment): Revision {
  const revision = assignment.slots[assignment.primary];
  if (revision === null) throw new Error(`invariant: primary slot ${assignment.primary} is empty`);
  return revision;
}
