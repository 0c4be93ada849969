import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apply, type AnyObject } from "../apply.ts";
import { canConnect } from "../can-connect.ts";
import type { Cluster } from "../cluster.ts";
import { ManagedProcess } from "../managed-process.ts";
import { gatewayTool } from "../tool-paths.ts";
import { waitUntil } from "../wait-until.ts";
import { applyCrds } from "./crds.ts";
import { allowAllRoutes, type TestGateway } from "./gateway.ts";
import { untilProgrammed } from "./programmed.ts";

const readyBoundMs = 60_000;
const gateway = { namespace: "projectcontour", name: "contour" } as const;
const className = "contour";

const listenerPort = 8_880;
/** Contour's Envoy listens at the Gateway's port plus 8000, so that low ports need no right. */
const envoyPort = listenerPort + 8_000;
const ports = { xds: 8_001, stats: 8_002, metrics: 8_003, health: 8_004, debug: 8_005 } as const;

/** Features whose resource definitions are not in the standard channel. */
const disabledFeatures = ["tlsroutes", "tcproutes", "backendtlspolicies"];

/** Starts the released Contour and its Envoy as processes beside the control plane. */
export async function startContour(cluster: Cluster): Promise<TestGateway> {
  const { tools, config } = cluster;
  const program = gatewayTool(tools, "contour");
  await applyCrds(config, [tools["gateway-api-crds"], gatewayTool(tools, "contour-crds")]);
  const folder = join(cluster.folder, "contour");
  mkdirSync(folder);
  const contour = new ManagedProcess({
    name: "contour",
    command: program,
    args: serveArgs(writeConfig(folder), cluster.kubeconfigPath),
    logPath: cluster.logPath("contour"),
  });
  const envoy = new ManagedProcess({
    name: "envoy (contour)",
    command: tools.envoy,
    // prettier-ignore
    args: [
      "--config-path", writeBootstrap(program, folder),
      "--service-cluster", "projectcontour",
      "--service-node", "envoy-1",
      // Its shared memory is common to all namespaces of the machine.
      "--disable-hot-restart",
      "--concurrency", "1",
      "--log-level", "warn",
    ],
    logPath: cluster.logPath("contour-envoy"),
  });
  cluster.add(envoy);
  cluster.add(contour);
  contour.start();
  envoy.start();
  await apply(config, gatewayObjects());
  await untilServing(cluster, contour, envoy);
  return {
    name: "contour",
    className,
    gateway,
    url: `http://127.0.0.1:${envoyPort}`,
    statsAddress: `127.0.0.1:${ports.stats}`,
    killController: () => contour.kill(),
    async restartController() {
      contour.start();
      await waitUntil("contour serves its xDS again", readyBoundMs, () =>
        canConnect("127.0.0.1", ports.xds),
      );
    },
  };
}

async function untilServing(
  cluster: Cluster,
  contour: ManagedProcess,
  envoy: ManagedProcess,
): Promise<void> {
  await untilProgrammed(cluster.config, gateway, readyBoundMs);
  contour.assertRunning();
  envoy.assertRunning();
}

function serveArgs(configPath: string, kubeconfigPath: string): string[] {
  return [
    "serve",
    `--config-path=${configPath}`,
    `--kubeconfig=${kubeconfigPath}`,
    "--insecure",
    "--disable-leader-election",
    "--xds-address=127.0.0.1",
    `--xds-port=${ports.xds}`,
    "--stats-address=127.0.0.1",
    `--stats-port=${ports.stats}`,
    "--http-address=127.0.0.1",
    `--http-port=${ports.metrics}`,
    "--health-address=127.0.0.1",
    `--health-port=${ports.health}`,
    "--debug-http-address=127.0.0.1",
    `--debug-http-port=${ports.debug}`,
    ...disabledFeatures.map((feature) => `--disable-feature=${feature}`),
  ];
}

function writeConfig(folder: string): string {
  const path = join(folder, "contour.yaml");
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ gateway: { gatewayRef: gateway } }));
  return path;
}

/** Contour's own bootstrap, with counters flushed every second instead of every five. */
function writeBootstrap(contour: string, folder: string): string {
  const path = join(folder, "envoy.json");
  execFileSync(
    contour,
    [
      "bootstrap",
      path,
      "--xds-address=127.0.0.1",
      `--xds-port=${ports.xds}`,
      `--admin-address=${join(folder, "admin.sock")}`,
      "--xds-resource-version=v3",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const bootstrap: unknown = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify(Object.assign({}, bootstrap, { stats_flush_interval: "1s" })));
  return path;
}

function gatewayObjects(): AnyObject[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: gateway.namespace } },
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: className },
      spec: { controllerName: "projectcontour.io/gateway-controller" },
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
