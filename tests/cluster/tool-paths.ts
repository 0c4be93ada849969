import { dirname, join } from "node:path";
import { z } from "zod";
import { getTools } from "../../tools/get.ts";
import type { ToolProgress } from "../../tools/progress.ts";
import { toolsOf } from "../../tools/table.ts";
import { gatewayNames, type GatewayName } from "./gateways/gateway.ts";

const variable = "UPRAMP_CLUSTER_TOOLS";

const toolPathsSchema = z.object({
  etcd: z.string(),
  "kube-apiserver": z.string(),
  "kube-controller-manager": z.string(),
  kubectl: z.string(),
  envoy: z.string(),
  prometheus: z.string(),
  "gateway-api-crds": z.string(),
  // Only for the gateways that are started: they take minutes to build.
  contour: z.string().optional(),
  "contour-crds": z.string().optional(),
  "envoy-gateway": z.string().optional(),
  "envoy-gateway-crds": z.string().optional(),
});

/** Absolute path of each program, or folder of data, that the cluster is made of. */
export type ToolPaths = z.output<typeof toolPathsSchema>;

/**
 * Finds or gets what the cluster and the named gateways need. Must happen outside the namespace, from
 * which no registry can be reached.
 */
export async function gatherTools(
  gateways: readonly GatewayName[],
  progress: ToolProgress,
): Promise<ToolPaths> {
  const unwanted = gatewayNames.filter((name) => !gateways.includes(name));
  const names = toolsOf("cluster").filter(
    (tool) => !unwanted.some((gateway) => tool === gateway || tool === `${gateway}-crds`),
  );
  const found = await getTools(names, progress);
  return toolPathsSchema.parse(Object.fromEntries(found.map(({ name, path }) => [name, path])));
}

/** A path that is there only when its gateway was asked for. @throws Error when it was not */
export function gatewayTool(paths: ToolPaths, name: GatewayName | `${GatewayName}-crds`): string {
  const path = paths[name];
  if (path === undefined) throw new Error(`${name} was not gathered for this cluster`);
  return path;
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
