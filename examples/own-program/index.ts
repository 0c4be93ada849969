// A Pulumi program of one's own: a ConfigMap as always, and a service that is rolled out step by step.
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CanaryService, type CanaryServiceArgs } from "upramp";

const config = new pulumi.Config();
const namespace = config.require("namespace");

const provider = new kubernetes.Provider("cluster", {
  // else a changed ConfigMap would be deleted before it is there again
  enableConfigMapMutable: true,
});

const settings = new kubernetes.core.v1.ConfigMap(
  "settings",
  {
    // a name of its own, for the pods name it too
    metadata: { name: "podinfo-settings", namespace },
    data: config.requireObject<Record<string, string>>("settings"),
  },
  { provider },
);

const podinfo = new CanaryService(
  "podinfo",
  {
    namespace,
    replicas: 2,
    port: 9898,
    revision: {
      template: {
        spec: {
          containers: [
            {
              name: "podinfo",
              image: config.require("image"),
              ports: [{ name: "http", containerPort: 9898 }],
              readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 },
              // read once, at the start: pods that run keep what they started with
              envFrom: [{ configMapRef: { name: "podinfo-settings" } }],
            },
          ],
        },
      },
    },
    route: { hostnames: ["podinfo.test"] },
    // what a stack says in its configuration is checked by CanaryService
    router: config.requireObject<CanaryServiceArgs["router"]>("router"),
    prometheus: config.requireObject<CanaryServiceArgs["prometheus"]>("prometheus"),
    rollout: config.requireObject<CanaryServiceArgs["rollout"]>("rollout"),
  },
  // the content of what the pods name is part of what is rolled out: it has to be there first
  { provider, dependsOn: settings },
);

/** What `upramp` reads of this stack; the name is fixed. */
export const upramp = podinfo.outputs;
