import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageRow } from "./kubelet/images.ts";
import type { ToolPaths } from "./tool-paths.ts";

/** The release of `podinfo` is any plain version; other tags cannot be pulled. */
const versionTag = String.raw`\d+\.\d+\.\d+`;

/**
 * The images a test can name. Everything else cannot be pulled.
 */
export function imageTable(tools: ToolPaths): ImageRow[] {
  const envoyGateway = tools["envoy-gateway"];
  const podinfo = fileURLToPath(new URL("podinfo.ts", import.meta.url));
  const grpcEcho = fileURLToPath(new URL("grpc-echo.ts", import.meta.url));
  const prometheus = fileURLToPath(new URL("prometheus-image/main.ts", import.meta.url));
  return [
    {
      repository: "podinfo",
      tags: versionTag,
      entrypoint: [process.execPath, podinfo],
      env: { VERSION: "{tag}" },
    },
    // The same with faults, for rollouts that go by the image alone.
    {
      repository: "podinfo-failing",
      entrypoint: [process.execPath, podinfo],
      env: { VERSION: "{tag}", ERROR_RATE: "30" },
    },
    {
      repository: "podinfo-crashing",
      entrypoint: [process.execPath, podinfo],
      env: { VERSION: "{tag}", EXIT_AFTER_MS: "1", EXIT_CODE: "7" },
    },
    {
      repository: "grpc-echo",
      tags: versionTag,
      entrypoint: [process.execPath, grpcEcho],
      env: { VERSION: "{tag}" },
    },
    {
      repository: "grpc-echo-failing",
      tags: versionTag,
      entrypoint: [process.execPath, grpcEcho],
      env: { VERSION: "{tag}", ERROR_RATE: "30" },
    },
    // Their containers call the program by its name.
    { repository: "envoy", entrypoint: ["envoy"], env: { PATH: dirname(tools.envoy) } },
    ...(envoyGateway === undefined
      ? []
      : [
          {
            repository: "gateway",
            entrypoint: ["envoy-gateway"],
            env: { PATH: dirname(envoyGateway) },
          },
        ]),
    { repository: "node", entrypoint: [process.execPath] },
    { repository: "busybox", entrypoint: ["sh"] },
    {
      repository: "prometheus",
      entrypoint: [process.execPath, prometheus, tools.prometheus],
      args: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
      appendedArgs: ["--web.listen-address=$(POD_IP):9090"],
    },
  ];
}
