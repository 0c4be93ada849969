import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { progressTo } from "../../tools/progress.ts";
import { UserError } from "../../rollout/errors.ts";
import { gatewayNames, type RoutedGateway } from "./gateways/gateway.ts";
import { givenGatewaysVariable, parseGivenGateways } from "./gateways/given-gateways.ts";
import { canRun, enterNamespace } from "./namespace.ts";
import { contextVariable, folderVariable } from "./test-cluster.ts";
import { gatherTools, toolPathsVariable } from "./tool-paths.ts";

const inside = fileURLToPath(new URL("run-inside.ts", import.meta.url));

/**
 * `npm run test:cluster [-- --context NAME [--gateway …]] [--grep TEXT] [FILE...]`: the cluster suites,
 * on a cluster of their own inside a namespace, or on the cluster of a kubeconfig context.
 */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = readArgs(args);
  const suites = [...(values.grep === undefined ? [] : ["--grep", values.grep]), ...positionals];
  if (values.context !== undefined) {
    return runOnContext(values.context, parseGivenGateways(values.gateway ?? []), suites);
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
  const command = enterNamespace([process.execPath, inside, ...suites], {
    env: { ...toolPathsVariable(tools), [folderVariable]: folder },
  });
  const forward = (): void => void command.signal("SIGTERM");
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  const code = await command.exitCode;
  if (code === 0) rmSync(base, { recursive: true, force: true });
  else console.error(`The logs of the cluster and its pods are in ${folder}`);
  return code;
}

const options = {
  context: { type: "string" },
  gateway: { type: "string", multiple: true },
  grep: { type: "string" },
} as const;

function readArgs(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
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
