import { bringsNodeSupport } from "./environment.ts";
import { type FoundTool, pathFolders } from "./find.ts";
import { type GetOptions, getTools } from "./get.ts";
import { thisHost } from "./host.ts";
import type { ToolProgress } from "./progress.ts";
import { type ToolName, toolNames, toolRow } from "./table.ts";
import type { ToolGroup } from "./tool-row.ts";

/** What stands in for parts that the official pulumi CLI brings along. */
const pulumiCompanions: readonly ToolName[] = [
  "pulumi-analyzer-policy-nodejs",
  "pulumi-language-nodejs",
];

/** Every tool of the groups, found or got; the pulumi CLI's companions only where the CLI lacks them. */
export async function getGroups(
  groups: readonly ToolGroup[],
  progress: ToolProgress,
  options: GetOptions = {},
): Promise<readonly FoundTool[]> {
  const names = toolNames.filter((name) =>
    toolRow(name).groups.some((group) => groups.includes(group)),
  );
  const found = await getTools(
    names.filter((name) => !pulumiCompanions.includes(name)),
    progress,
    options,
  );
  const companions = names.filter((name) => pulumiCompanions.includes(name));
  const cli = found.find((tool) => tool.name === "pulumi");
  if (cli === undefined || companions.length === 0) return found;
  if (await bringsNodeSupport(cli, pathFolders(options.host ?? thisHost()))) return found;
  return [...found, ...(await getTools(companions, progress, options))];
}
