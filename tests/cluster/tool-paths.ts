import { dirname, join } from "node:path";
import { z } from "zod";
import { getTools } from "../../tools/get.ts";
import type { ToolProgress } from "../../tools/progress.ts";
import { toolsOf } from "../../tools/table.ts";

const variable = "UPRAMP_CLUSTER_TOOLS";

const toolPathsSchema = z.object({
  etcd: z.string(),
  "kube-apiserver": z.string(),
  "kube-controller-manager": z.string(),
  kubectl: z.string(),
  envoy: z.string(),
  prometheus: z.string(),
  contour: z.string(),
  "contour-crds": z.string(),
  "envoy-gateway": z.string(),
  "envoy-gateway-crds": z.string(),
  "gateway-api-crds": z.string(),
});

/** Absolute path of each program, or folder of data, that the cluster is made of. */
export type ToolPaths = z.output<typeof toolPathsSchema>;

/** Finds or gets them all. Must happen outside the namespace, from which no registry can be reached. */
export async function gatherTools(progress: ToolProgress): Promise<ToolPaths> {
  const found = await getTools(toolsOf("cluster"), progress);
  return toolPathsSchema.parse(Object.fromEntries(found.map(({ name, path }) => [name, path])));
}

/** The variable that hands the paths to a command inside the namespace. */
export function toolPathsVariable(paths: ToolPaths): Record<string, string> {
  return { [variable]: JSON.stringify(paths) };
}

/** The paths that the command outside has handed in. @throws Error outside the namespace */
export function handedToolPaths(): ToolPaths {
  const text = process.env[variable];
  if (text === undefined) throw new Error(`${variable} is not set: this runs inside the namespace`);
  return toolPathsSchema.parse(JSON.parse(text));
}

/** Folder of Node, for containers' PATH. */
export const nodeFolder = join(dirname(process.execPath));
