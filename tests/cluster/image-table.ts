import { fileURLToPath } from "node:url";
import type { ImageRow } from "./kubelet/images.ts";

/** The release of `podinfo` is any plain version; other tags cannot be pulled. */
const versionTag = String.raw`\d+\.\d+\.\d+`;

/**
 * The images a test can name. Everything else cannot be pulled.
 *
 * @param tools paths of programs that stand for images of their own
 */
export function imageTable(tools: { readonly prometheus: string }): ImageRow[] {
  const podinfo = fileURLToPath(new URL("podinfo.ts", import.meta.url));
  return [
    {
      repository: "podinfo",
      tags: versionTag,
      entrypoint: [process.execPath, podinfo],
      env: { PODINFO_VERSION: "{tag}" },
    },
    { repository: "node", entrypoint: [process.execPath] },
    { repository: "busybox", entrypoint: ["sh"] },
    {
      repository: "prometheus",
      entrypoint: [tools.prometheus],
      args: ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
      appendedArgs: ["--web.listen-address=$(POD_IP):9090"],
    },
  ];
}
