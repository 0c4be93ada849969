import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { at, entries, textOf } from "./properties.ts";
import { emptinessOf, routeTargets } from "./route-targets.ts";

const routeType = "upramp:local:Route";
const processType = "upramp:local:Process";

/** Slots of a route of this machine that get requests. */
function slotsWithWeight(route: PolicyResource): string[] {
  return entries(at(route.props, "weights"))
    .filter(([, weight]) => typeof weight === "number" && weight > 0)
    .map(([slot]) => slot);
}

/** Whether a process of that slot hangs on the same service; its name is the slot and a number. */
function hasProcess(
  resources: readonly PolicyResource[],
  route: PolicyResource,
  slot: string,
): boolean {
  return resources.some(
    ({ type, props, parent }) =>
      type === processType &&
      parent?.urn === route.parent?.urn &&
      new RegExp(`^${slot}-\\d+$`).test(textOf(at(props, "name")) ?? ""),
  );
}

/** What nobody answers for never has weight. */
export const forbidWeightOnEmptySlot: StackValidationPolicy = {
  name: "forbid-weight-on-empty-slot",
  description: "A slot without processes, pods or replicas has no weight.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, reportViolation) => {
    for (const route of resources.filter(({ type }) => type === routeType)) {
      for (const slot of slotsWithWeight(route)) {
        if (hasProcess(resources, route, slot)) continue;
        reportViolation(`${slot} has weight, but no process: deploy it first`, route.urn);
      }
    }
    for (const target of routeTargets(resources)) {
      const emptiness = emptinessOf(target, resources);
      if (emptiness === null) continue;
      reportViolation(
        `${target.name} has weight, but ${emptiness}: deploy it first`,
        target.routeUrn,
      );
    }
  },
};
