import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";

const routeType = "upramp:local:Route";
const processType = "upramp:local:Process";

const member = (value: unknown, key: string): unknown => Reflect.get(Object(value), key);

/** Slots of a route that get requests. */
function slotsWithWeight(route: PolicyResource): string[] {
  return Object.entries(Object(member(route.props, "weights")) as Record<string, unknown>)
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
      new RegExp(`^${slot}-\\d+$`).test(String(member(props, "name"))),
  );
}

/** A slot without processes never has weight. */
export const forbidWeightOnEmptySlot: StackValidationPolicy = {
  name: "forbid-weight-on-empty-slot",
  description: "A slot without processes has no weight.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, reportViolation) => {
    for (const route of resources.filter(({ type }) => type === routeType)) {
      for (const slot of slotsWithWeight(route)) {
        if (hasProcess(resources, route, slot)) continue;
        reportViolation(`${slot} has weight, but no process: deploy it first`, route.urn);
      }
    }
  },
};
