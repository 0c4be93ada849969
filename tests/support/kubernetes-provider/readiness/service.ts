import { type Fields, at, isFields, listAt, textAt } from "../kubernetes-object.ts";
import { type Verdict, ready, waiting } from "./verdict.ts";

/** Whether the Service's readiness depends on its Endpoints. */
export function waitsForEndpoints(service: Fields): boolean {
  const selector = at(service, "spec", "selector");
  return (
    textAt(service, "spec", "type") !== "ExternalName" &&
    textAt(service, "spec", "clusterIP") !== "None" &&
    isFields(selector) &&
    Object.keys(selector).length > 0
  );
}

/**
 * A Service is ready when none of its endpoints is unready (no endpoint at all is fine) and a load
 * balancer has an address.
 *
 * @param endpoints the Endpoints of the same name; undefined before its controller has made it
 */
export function serviceVerdict(service: Fields, endpoints: Fields | undefined): Verdict {
  if (waitsForEndpoints(service)) {
    const isReady =
      endpoints !== undefined &&
      listAt(endpoints, "subsets").every(
        (subset) => listAt(subset, "notReadyAddresses").length === 0,
      );
    if (!isReady) {
      return waiting("[1/3] Finding Pods to direct traffic to", [
        "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' " +
          "may not match labels on any Pods",
      ]);
    }
  }
  if (
    textAt(service, "spec", "type") === "LoadBalancer" &&
    listAt(service, "status", "loadBalancer", "ingress").length === 0
  ) {
    return waiting("[2/3] Attempting to allocate IP address to Service", [
      "Service was not allocated an IP address; does your cloud provider support this?",
    ]);
  }
  return ready;
}
