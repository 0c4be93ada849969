import { podinfoPort } from "../podinfo-template.ts";

/** Every request says for which service it is. */
export function hostOf(service: string): string {
  return `${service}.test`;
}

/** A revision whose version is its image's tag. */
export function revision(image: string, more: Readonly<Record<string, unknown>> = {}): unknown {
  const container = {
    name: "podinfo",
    image,
    ports: [{ name: "http", containerPort: podinfoPort }],
    readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 },
    ...more,
  };
  return { template: { spec: { containers: [container], terminationGracePeriodSeconds: 10 } } };
}

/** Settings of a service of podinfo. */
export function podinfo(
  name: string,
  route: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    name,
    port: podinfoPort,
    replicas: 2,
    revision: revision("podinfo:1.0.0"),
    route: { hostnames: [hostOf(name)], ...route },
    ...more,
  };
}
