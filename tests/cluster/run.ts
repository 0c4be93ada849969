import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { progressTo } from "../../tools/progress.ts";
import { UserError } from "../../rollout/errors.ts";
import { gatewayNames } from "./gateways/gateway.ts";
import { canRun, enterNamespace } from "./namespace.ts";
import { contextVariable, folderVariable } from "./test-cluster.ts";
import { gatherTools, toolPathsVariable } from "./tool-paths.ts";

const inside = fileURLToPath(new URL("run-inside.ts", import.meta.url));

/**
 * `npm run test:cluster [-- --context NAME] [--grep TEXT] [FILE...]`: the cluster suites, on a cluster
 * of their own inside a namespace, or on the cluster of a kubeconfig context.
 */
async function main(args: string[]): Promise<number> {
  const at = args.indexOf("--context");
  if (at >= 0) {
    const context = args[at + 1];
    if (context === undefined)
      throw new UserError("--context needs the name of a kubeconfig context");
    return runOnContext(context, args.toSpliced(at, 2));
  }
  const ability = canRun();
  if (!ability.able) {
    console.log(
      `test:cluster: skipped, as this machine cannot hold the cluster: ${ability.reason}`,
    );
    console.log("0 passed, 0 failed, 1 skipped");
    return 0;
  }
  const tools = await gatherTools(gatewayNames, progressTo(process.stderr));
  const base = mkdtempSync(join(tmpdir(), "upramp-cluster-"));
  const folder = join(base, "cluster");
  mkdirSync(folder);
  const command = enterNamespace([process.execPath, inside, ...args], {
    env: { ...toolPathsVariable(tools), [folderVariable]: folder },
  });
  const forward = (): void => void command.signal("SIGTERM");
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  const code = await command.exitCode;
  if (code === 0) rmSync(base, { recursive: true, force: true });
  else console.error(`The cluster's logs are in ${join(folder, "logs")}`);
  return code;
}

function runOnContext(context: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [inside, ...args], {
    stdio: "inherit",
    env: { ...process.env, [contextVariable]: context },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
