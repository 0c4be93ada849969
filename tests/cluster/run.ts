import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { progressTo } from "../../tools/progress.ts";
import { countsReport } from "../../tools/test-counts.ts";
import { UserError } from "../../rollout/errors.ts";
import { gatewayNames, type RoutedGateway } from "./gateways/gateway.ts";
import { givenGatewaysVariable, parseGivenGateways } from "./gateways/given-gateways.ts";
import { canRun, enterNamespace } from "./namespace.ts";
import { readClusterArgs } from "./run-args.ts";
import { contextVariable, folderVariable } from "./test-cluster.ts";
import { gatherTools, toolPathsVariable } from "./tool-paths.ts";

const inside = fileURLToPath(new URL("run-inside.ts", import.meta.url));

/**
 * `run.ts [--context NAME [--gateway …]] [--grep TEXT] FILE...`: cluster suites, on one cluster of
 * their own inside a namespace, or on the cluster of a kubeconfig context. `npm run test:cluster` calls
 * it, once for all files that can share a cluster.
 */
async function main(args: readonly string[]): Promise<number> {
  const { context, gateways, grep, files } = readClusterArgs(args);
  if (files.length === 0) {
    throw new UserError("No test file is given. For all of them: npm run test:cluster");
  }
  const suites = [...(grep === undefined ? [] : ["--grep", grep]), ...files];
  if (context !== undefined) return runOnContext(context, parseGivenGateways(gateways), suites);
  const ability = canRun();
  if (!ability.able) {
    console.log(
      `test:cluster: skipped, as this machine cannot hold the cluster: ${ability.reason}`,
    );
    countsReport()({ passed: 0, failed: 0, skipped: 1 });
    return 0;
  }
  const tools = await gatherTools(gatewayNames, progressTo(process.stderr));
  const base = mkdtempSync(join(tmpdir(), "upramp-cluster-"));
  const folder = join(base, "cluster");
  mkdirSync(folder);
  // A part of Envoy Gateway opens the output of process 1 anew, which would write over the beginning of
  // a file: process 1 gets none, and the suites get ours as descriptor 3.
  const toOurs = ["sh", "-c", 'exec "$@" >&3 3>&-', "sh"] as const;
  const command = enterNamespace([...toOurs, process.execPath, inside, ...suites], {
    env: { ...toolPathsVariable(tools), [folderVariable]: folder },
    stdio: ["inherit", "ignore", "inherit", process.stdout.fd],
  });
  const forward = (): void => void command.signal("SIGTERM");
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  const code = await command.exitCode;
  // No cluster is started where no test is chosen that needs one.
  const hasLogs = readdirSync(folder).length > 0;
  if (code === 0 || !hasLogs) rmSync(base, { recursive: true, force: true });
  else console.error(`The logs of the cluster and its pods are in ${folder}`);
  return code;
}

/** Nothing of the real cluster is killed or restarted; suites that would are pending. */
function runOnContext(
  context: string,
  gateways: readonly RoutedGateway[],
  suites: readonly string[],
): Promise<number> {
  const child = spawn(process.execPath, [inside, ...suites], {
    stdio: "inherit",
    env: { ...process.env, ...givenGatewaysVariable(gateways), [contextVariable]: context },
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
