import type { PlatformSettings } from "../contract.ts";
import { File, Process, XdsEntry } from "../local/resources.ts";
import { platformPaths } from "../names.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { installHint } from "./install-hint.ts";

/**
 * Buckets of the latency histogram, in ms: fine where services and their limits are, so that a quantile there is
 * not interpolated over a wide bucket.
 */
const latencyBucketsMs = [
  1, 2.5, 5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_500, 5_000,
  10_000, 30_000,
];

/** The one Envoy of a platform on this machine. */
export function declareEnvoy(
  stateDir: string,
  settings: PlatformSettings["envoy"],
  options: DeclareOptions,
): Process {
  const paths = platformPaths(stateDir);
  const content = JSON.stringify(bootstrapOf(paths.xds), null, 1);
  const bootstrap = new File("envoy-bootstrap", { path: paths.bootstrap, content }, options);
  // the two lists have to exist when Envoy starts
  const lists = new XdsEntry(
    "envoy-lists",
    { directory: paths.xds, name: "_platform", listeners: "[]", clusters: "[]" },
    options,
  );
  const admin = {
    admin: {
      address: { socket_address: { address: "127.0.0.1", port_value: "{{ port }}" } },
    },
  };
  return new Process(
    "envoy",
    {
      directory: stateDir,
      name: "envoy",
      command: settings.binary ?? "envoy",
      ...(settings.binary === undefined ? { commandVariable: "UPRAMP_ENVOY" } : {}),
      // hot restart shares memory between all users of a machine; drain times are for listeners that go away
      args: [
        ["--config-path", paths.bootstrap],
        ["--config-yaml", JSON.stringify(admin)],
        ["--disable-hot-restart"],
        ["--concurrency", "2"],
        ["--drain-time-s", "2"],
        ["--drain-strategy", "immediate"],
        ["--log-level", "warning"],
      ].flat(),
      env: {},
      cwd: stateDir,
      port: settings.adminPort,
      portKey: "upramp:platform.envoy.adminPort",
      readinessPath: "/ready",
      readinessTimeoutMs: 30_000,
      stopGraceMs: 5_000,
      logFile: `${paths.logs}/envoy.log`,
      installHint,
      restartOn: content,
    },
    { ...options, dependsOn: [...options.dependsOn, bootstrap, lists] },
  );
}

function bootstrapOf(xds: string): object {
  const list = (name: string): object => ({
    resource_api_version: "V3",
    path_config_source: { path: `${xds}/${name}.json` },
  });
  return {
    node: { id: "upramp", cluster: "upramp" },
    dynamic_resources: { lds_config: list("listeners"), cds_config: list("clusters") },
    // histograms are up to date at each scrape, not only every 5 s
    stats_flush_on_admin: true,
    stats_config: {
      histogram_bucket_settings: [
        { match: { suffix: "upstream_rq_time" }, buckets: latencyBucketsMs },
      ],
    },
  };
}
