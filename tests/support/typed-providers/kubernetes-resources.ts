import { idOf } from "../kubernetes-provider/outcome.ts";
import { at, nameOf, namespaceOf, textAt } from "../kubernetes-provider/kubernetes-object.ts";
import { digits } from "./made-outputs.ts";
import type { Identity, NewResource } from "./new-resource.ts";

const created = "2026-01-01T00:00:00Z";

/** What a cluster would make up for a new object. */
export function kubernetesIdentity(resource: NewResource): Identity {
  const { inputs, token, urn } = resource;
  if (token === "kubernetes:helm.sh/v3:Release") return release(resource);
  const status = statusOf(token, inputs);
  const metadata: Readonly<Record<string, unknown>> = {
    uid: digits(urn, 32),
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: created,
  };
  return {
    id: idOf(inputs),
    make: (path) => {
      const [first = "", second = "", ...more] = path;
      if (first === "status" && second === "") return status;
      return first === "metadata" && more.length === 0 ? metadata[second] : undefined;
    },
  };
}

/** What the program of this project reads of an object's status. */
function statusOf(token: string, inputs: NewResource["inputs"]): unknown {
  const [, module = "", kind = ""] = token.split(":");
  // of one that is only read nothing is known but its name
  const isRead = at(inputs, "spec") === undefined;
  if (kind === "Service" && (isRead || at(inputs, "spec", "type") === "LoadBalancer")) {
    const hostname = `${nameOf(inputs)}.${namespaceOf(inputs)}.elb.example.com`;
    return { loadBalancer: { ingress: [{ hostname }] } };
  }
  if (kind === "Gateway" && module.startsWith("gateway.networking.k8s.io/")) {
    const value = `${nameOf(inputs)}.${namespaceOf(inputs)}.gateway.example.com`;
    return { addresses: [{ type: "Hostname", value }] };
  }
  return undefined;
}

function release({ inputs, name, urn }: NewResource): Identity {
  const given = textAt(inputs, "name");
  const named = given === "" ? `${name}-${digits(urn)}` : given;
  const namespace = textAt(inputs, "namespace") || "default";
  const status = {
    name: named,
    namespace,
    chart: textAt(inputs, "chart"),
    version: textAt(inputs, "version"),
    revision: 1,
    status: "deployed",
  };
  const outputs: Readonly<Record<string, unknown>> = { name: named, namespace, status };
  return {
    id: `${namespace}/${named}`,
    make: ([first = "", ...more]) => (more.length === 0 ? outputs[first] : undefined),
  };
}
