import type { PolicyResource } from "@pulumi/policy";
import { at, elements, notKnownYet, textOf } from "./properties.ts";

/**
 * What a service of upramp says of its rollout: an output of its component, so that a rule can compare what was with
 * what is to be, which the engine itself does not show.
 */
export interface ServiceRollout {
  readonly urn: string;
  /** Weights of the canary that its steps name. */
  readonly steps: readonly number[];
  /** What the last update left; null before the first. */
  readonly before: Arrangement | null;
  readonly after: Arrangement;
}

/** Who is primary, what the slots run and how requests are split. */
export interface Arrangement {
  readonly primary: string;
  readonly slots: Readonly<Record<Slot, SlotState>>;
}

export interface SlotState {
  readonly weight: number;
  /** Id of what runs in it; null when it is empty. */
  readonly revision: string | null;
  /** That, as people call it. */
  readonly name: string;
}

export const slots = ["blue", "green"] as const;
export type Slot = (typeof slots)[number];

const serviceType = /^upramp:service:(LocalService|CanaryService)$/;

/** The services of a stack that say how they are rolled out. */
export function serviceRollouts(resources: readonly PolicyResource[]): readonly ServiceRollout[] {
  return resources
    .filter(({ type }) => serviceType.test(type))
    .flatMap(({ urn, props }) => {
      const rollout = at(props, "rollout");
      const after = at(rollout, "after");
      // a component whose program ended early has no outputs
      if (after === undefined || rollout === notKnownYet) return [];
      const before = at(rollout, "before");
      return [
        {
          urn,
          steps: elements(at(rollout, "steps")).filter((step) => typeof step === "number"),
          before: before === undefined || before === null ? null : arrangementOf(before),
          after: arrangementOf(after),
        },
      ];
    });
}

function arrangementOf(value: unknown): Arrangement {
  const slot = (name: Slot): SlotState => {
    const revision = at(value, "revisions", name);
    const weight = at(value, "weights", name);
    return {
      weight: typeof weight === "number" ? weight : 0,
      revision: textOf(at(revision, "id")) ?? null,
      name: textOf(at(revision, "name")) ?? "nothing",
    };
  };
  return {
    primary: textOf(at(value, "primary")) ?? "",
    slots: { blue: slot("blue"), green: slot("green") },
  };
}

/** Whether an update changes how requests are split; the first one does. */
export function movesWeights({ before, after }: ServiceRollout): boolean {
  return (
    before === null || slots.some((slot) => before.slots[slot].weight !== after.slots[slot].weight)
  );
}
