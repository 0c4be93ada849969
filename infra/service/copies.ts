import { ContractError, type RolloutSpec } from "../contract.ts";

/** Throws ContractError when the rollout has a step of weight 0, which is checked on copies of requests only. */
export function refuseCopies({ steps }: RolloutSpec, why: string): void {
  if (steps[0]?.weight !== 0) return;
  throw new ContractError(
    `rollout.steps[0] = 0: a step without weight is checked on copies of requests, and ${why}: remove it`,
  );
}

/**
 * The rollout of a service that copies requests to its canary: first a step on nothing but copies, unless it is written.
 * It needs as many passed checks as the one after it.
 */
export function withCopies(spec: RolloutSpec): RolloutSpec {
  const [first] = spec.steps;
  if (first === undefined || first.weight === 0) return spec;
  return { ...spec, steps: [{ ...first, weight: 0, hold: false }, ...spec.steps] };
}
