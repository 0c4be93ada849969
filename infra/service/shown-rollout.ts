import type { Assignment, RolloutSpec, ServiceOutputs, Slot } from "../contract.ts";
import { perSlot } from "../names.ts";

/**
 * What an update does to a rollout, for policies: an output of the service's component. The engine shows a policy only
 * what is to be, so what was stands here beside it.
 */
export interface ShownRollout {
  /** Weights of the canary that the steps name. */
  readonly steps: readonly number[];
  /** What the last update left; null before the first. */
  readonly before: ShownAssignment | null;
  readonly after: ShownAssignment;
}

interface ShownAssignment {
  readonly primary: Slot;
  readonly revisions: Readonly<Record<Slot, { readonly id: string; readonly name: string } | null>>;
  readonly weights: Readonly<Record<Slot, number>>;
}

/** The rollout of an update that leads to `after`. */
export function shownRollout(
  { steps }: RolloutSpec,
  previous: ServiceOutputs | null,
  after: Assignment,
): ShownRollout {
  return {
    steps: steps.map(({ weight }) => weight),
    before: previous === null ? null : shown(previous.assignment),
    after: shown(after),
  };
}

function shown({ primary, slots, weights }: Assignment): ShownAssignment {
  const revisions = perSlot((slot) => {
    const revision = slots[slot];
    return revision === null ? null : { id: revision.id, name: revision.name };
  });
  return { primary, revisions, weights };
}
