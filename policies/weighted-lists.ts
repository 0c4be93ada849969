import { isKeeper } from "./keeper-rule.ts";
import { gatewayRoute, meshRouter } from "./route-types.ts";

/** Weights that split one stream of requests, and where they stand in a resource. */
export interface WeightedList {
  readonly place: string;
  readonly weights: readonly unknown[];
}

/** Resource types that split requests, and the property in which their lists of targets stand, at any depth. */
const routeTypes: readonly { readonly type: RegExp; readonly list: string }[] = [
  { type: gatewayRoute, list: "backendRefs" },
  { type: meshRouter, list: "weightedTargets" },
  { type: /^aws:appmesh\/route:Route$/, list: "weightedTargets" },
];

const localRoute = "upramp:local:Route";

/** Every list of weights of a resource, found by its type and shape; none for what does not split requests. */
export function weightedLists(type: string, properties: unknown): WeightedList[] {
  if (type === localRoute) {
    const weights: unknown = Reflect.get(Object(properties), "weights");
    return [{ place: "weights", weights: Object.values(Object(weights) as object) }];
  }
  return routeTypes
    .filter((route) => route.type.test(type))
    .flatMap(({ list }) => listsBelow(properties, list, ""));
}

function listsBelow(value: unknown, listName: string, place: string): WeightedList[] {
  if (typeof value !== "object" || value === null || isKeeper(value)) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const innerPlace = Array.isArray(value) ? `${place}[${key}]` : joined(place, key);
    if (key === listName && Array.isArray(inner)) return listOf(inner, innerPlace);
    return listsBelow(inner, listName, innerPlace);
  });
}

const joined = (place: string, key: string): string => (place === "" ? key : `${place}.${key}`);

/** A list in which nobody wrote a weight splits nothing on purpose. */
function listOf(targets: readonly unknown[], place: string): WeightedList[] {
  const weights = targets.map((target): unknown => Reflect.get(Object(target), "weight"));
  if (weights.every((weight) => weight === undefined)) return [];
  // both kinds of route give a target without a weight the weight 1
  return [{ place, weights: weights.map((weight) => weight ?? 1) }];
}
