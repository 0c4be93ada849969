import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api } from "@kubernetes/client-node";
import { apply, type AnyObject } from "../apply.ts";
import { canConnect } from "../can-connect.ts";
import type { Cluster } from "../cluster.ts";
import { gatewayTool } from "../tool-paths.ts";
import { waitUntil } from "../wait-until.ts";
import { applyCrds } from "./crds.ts";
import { allowAllRoutes, type TestGateway } from "./gateway.ts";
import { untilProgrammed } from "./programmed.ts";

const readyBoundMs = 90_000;
const namespace = "envoy-gateway-system";
const gateway = { namespace, name: "envoy-gateway" } as const;
const className = "envoy-gateway";
const controllerImage = "docker.io/envoyproxy/gateway:v1.9.1";
const controllerLabel = "control-plane=envoy-gateway";

/** Envoy listens at the Gateway's own port from 1024 on. (80 would become 10080, which `fetch` refuses.) */
const listenerPort = 8_881;
const xdsPort = 18_000;
const statsPort = 19_001;

/** The controller's own admin port would be the same as that of Envoy, as they share a network here. */
const controllerAdminPort = 19_010;

/**
 * Starts the released Envoy Gateway as it is installed: a Deployment, which makes another of Envoy for
 * the Gateway. Both run as pods of the process kubelet.
 */
export async function startEnvoyGateway(cluster: Cluster): Promise<TestGateway> {
  const { tools, config } = cluster;
  await Promise.all([
    applyCrds(config, [tools["gateway-api-crds"], gatewayTool(tools, "envoy-gateway-crds")]),
    apply(config, [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }]).then(
      () => generateCertificates(cluster),
    ),
  ]);
  await apply(config, [...controllerObjects(), ...gatewayObjects()]);
  await untilProgrammed(config, gateway, readyBoundMs);
  await untilListening();
  return {
    name: "envoy-gateway",
    className,
    gateway,
    url: `http://127.0.0.1:${listenerPort}`,
    statsAddress: `127.0.0.1:${statsPort}`,
    killController: () => killController(cluster),
    async restartController() {
      // The kubelet starts it again.
      await waitUntil("envoy-gateway serves its xDS again", readyBoundMs, () =>
        canConnect("127.0.0.1", xdsPort),
      );
    },
  };
}

/** A Gateway is programmed before its Envoy has the listener. */
function untilListening(): Promise<true> {
  return waitUntil("Envoy of envoy-gateway listens", readyBoundMs, () =>
    canConnect("127.0.0.1", listenerPort),
  );
}

/** As the chart's certgen job does. */
function generateCertificates({ tools, kubeconfigPath }: Cluster): void {
  execFileSync(gatewayTool(tools, "envoy-gateway"), ["certgen", "--disable-topology-injector"], {
    env: { ...process.env, KUBECONFIG: kubeconfigPath, ENVOY_GATEWAY_NAMESPACE: namespace },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: readyBoundMs,
  });
}

async function killController({ config }: Cluster): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  const pods = await core.listNamespacedPod({ namespace, labelSelector: controllerLabel });
  const id = pods.items[0]?.status?.containerStatuses?.[0]?.containerID ?? "";
  const pid = Number(/^process:\/\/(\d+)$/.exec(id)?.[1]);
  if (Number.isNaN(pid)) throw new Error(`the envoy-gateway controller does not run: "${id}"`);
  process.kill(pid, "SIGKILL");
  await waitUntil("the envoy-gateway controller is gone", 5_000, async () => {
    await sleep(10);
    return canConnect("127.0.0.1", xdsPort).then(
      () => false,
      () => true,
    );
  });
}

/** The objects of the chart that matter here; what it may do is not, so it may do all. */
function controllerObjects(): AnyObject[] {
  const labels = { "control-plane": "envoy-gateway" };
  const name = "envoy-gateway";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "cluster-admin",
      },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "envoy-gateway-config", namespace },
      data: { "envoy-gateway.yaml": JSON.stringify(controllerConfig()) },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: labels, ports: [{ name: "grpc", port: xdsPort }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        // Two at once would want the same ports.
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: controllerPod() },
      },
    },
  ];
}

function controllerConfig(): object {
  return {
    apiVersion: "gateway.envoyproxy.io/v1alpha1",
    kind: "EnvoyGateway",
    gateway: { controllerName: "gateway.envoyproxy.io/gatewayclass-controller" },
    provider: {
      type: "Kubernetes",
      kubernetes: {
        leaderElection: { disable: true },
        // Only the released image knows the name of its own release.
        shutdownManager: { image: controllerImage },
        client: { rateLimit: { qps: 200, burst: 400 } },
      },
    },
    admin: { address: { host: "127.0.0.1", port: controllerAdminPort } },
    // Its metrics would have the port of Envoy's.
    telemetry: { metrics: { prometheus: { disable: true } } },
  };
}

function controllerPod(): object {
  return {
    serviceAccountName: "envoy-gateway",
    automountServiceAccountToken: true,
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: "envoy-gateway",
        image: controllerImage,
        args: ["server", "--config-path=/config/envoy-gateway.yaml"],
        env: [
          {
            name: "ENVOY_GATEWAY_NAMESPACE",
            valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } },
          },
          { name: "KUBERNETES_CLUSTER_DOMAIN", value: "cluster.local" },
        ],
        readinessProbe: { httpGet: { path: "/readyz", port: 8_081 }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: "/healthz", port: 8_081 }, periodSeconds: 20 },
        volumeMounts: [
          { name: "config", mountPath: "/config" },
          { name: "certs", mountPath: "/certs" },
          { name: "wasm-cache", mountPath: "/var/lib/eg/wasm" },
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: "envoy-gateway-config" } },
      { name: "certs", secret: { secretName: "envoy-gateway" } },
      { name: "wasm-cache", emptyDir: {} },
    ],
  };
}

function gatewayObjects(): AnyObject[] {
  return [
    envoyProxy(),
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: className },
      spec: {
        controllerName: "gateway.envoyproxy.io/gatewayclass-controller",
        parametersRef: {
          group: "gateway.envoyproxy.io",
          kind: "EnvoyProxy",
          name: className,
          namespace,
        },
      },
    },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: gateway,
      spec: {
        gatewayClassName: className,
        listeners: [
          { name: "http", protocol: "HTTP", port: listenerPort, allowedRoutes: allowAllRoutes },
        ],
      },
    },
  ];
}

function envoyProxy(): AnyObject {
  // There is no DNS; the controller is on the same network.
  const aliases = [
    { ip: "127.0.0.1", hostnames: [`envoy-gateway.${namespace}.svc.cluster.local`] },
  ];
  return {
    apiVersion: "gateway.envoyproxy.io/v1alpha1",
    kind: "EnvoyProxy",
    metadata: { name: className, namespace },
    spec: {
      // One Envoy cluster a Service: metrics then tell the slots apart.
      mergeBackends: {},
      concurrency: 1,
      extraArgs: ["--disable-hot-restart"],
      shutdown: { drainTimeout: "1s", minDrainDuration: "1s" },
      bootstrap: {
        type: "JSONPatch",
        jsonPatches: [{ op: "add", path: "/stats_flush_on_admin", value: true }],
      },
      provider: {
        type: "Kubernetes",
        kubernetes: {
          envoyService: { type: "ClusterIP" },
          envoyDeployment: {
            strategy: { type: "Recreate" },
            patch: {
              type: "StrategicMerge",
              value: {
                spec: {
                  template: { spec: { hostAliases: aliases, terminationGracePeriodSeconds: 10 } },
                },
              },
            },
          },
        },
      },
    },
  };
}
