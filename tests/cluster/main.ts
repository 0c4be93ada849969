import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { UserError } from "../../rollout/errors.ts";
import { thisHost } from "../../tools/host.ts";
import { progressTo } from "../../tools/progress.ts";
import { gatewayNames, type GatewayName } from "./gateways/gateway.ts";
import { canRun, enterNamespace, nsenterArgs } from "./namespace.ts";
import { folderVariable } from "./test-cluster.ts";
import { gatherTools, toolPathsVariable } from "./tool-paths.ts";

/**
 * `npm run cluster [-- contour|envoy-gateway ...]`: the test cluster for hand use, until Ctrl-C.
 * `npm run cluster -- exec COMMAND...`: a command inside its namespace, from another terminal.
 */

const inside = fileURLToPath(new URL("hand-use.ts", import.meta.url));

/** What the running cluster leaves for `exec`. */
const runningSchema = z.object({
  /** Process 1 of the namespace, as seen from outside. */
  pid: z.number(),
  kubeconfig: z.string(),
  kubectl: z.string(),
});

const runningPath = join(thisHost().cacheFolder, "cluster.json");

async function start(args: readonly string[]): Promise<number> {
  const ability = canRun();
  if (!ability.able) throw new UserError(`This machine cannot hold the cluster: ${ability.reason}`);
  if (existsSync(runningPath)) {
    const { pid } = readRunning();
    if (existsSync(`/proc/${pid}`)) {
      throw new UserError(`A cluster runs already (process ${pid}). Stop it there with Ctrl-C.`);
    }
  }
  const gateways = args.map(gatewayName);
  const tools = await gatherTools(gateways, progressTo(process.stderr));
  const base = mkdtempSync(join(tmpdir(), "upramp-cluster-"));
  const folder = join(base, "cluster");
  mkdirSync(folder);
  const command = enterNamespace([process.execPath, inside, ...args], {
    env: { ...toolPathsVariable(tools), [folderVariable]: folder },
  });
  const pid = await command.innerPid();
  const kubeconfig = join(folder, "kubeconfig");
  mkdirSync(dirname(runningPath), { recursive: true });
  writeFileSync(runningPath, JSON.stringify({ pid, kubeconfig, kubectl: tools.kubectl }));
  // A terminal sends Ctrl-C to all of the group; `kill` reaches only this process.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => void command.signal("SIGTERM"));
  const code = await command.exitCode;
  rmSync(runningPath, { force: true });
  rmSync(base, { recursive: true, force: true });
  return code;
}

function gatewayName(text: string): GatewayName {
  const name = gatewayNames.find((known) => known === text);
  if (name !== undefined) return name;
  throw new UserError(
    `"${text}" is no gateway. Give any of ${gatewayNames.join(", ")}, or exec and a command.`,
  );
}

function exec(command: readonly string[]): Promise<number> {
  if (command.length === 0)
    throw new UserError("exec needs a command: npm run cluster -- exec kubectl get pods");
  if (!existsSync(runningPath))
    throw new UserError("No cluster runs. Start one with: npm run cluster");
  const { pid, kubeconfig, kubectl } = readRunning();
  if (!existsSync(`/proc/${pid}`))
    throw new UserError("The cluster has ended. Start one with: npm run cluster");
  // Entering a mount namespace leads to its root; the command is meant for here.
  const here = ["sh", "-c", 'cd "$0" && exec "$@"', process.cwd(), ...command];
  const child = spawn("nsenter", nsenterArgs(pid, here), {
    stdio: "inherit",
    env: {
      ...process.env,
      KUBECONFIG: kubeconfig,
      PATH: [dirname(kubectl), process.env["PATH"] ?? ""].join(delimiter),
    },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function readRunning(): z.output<typeof runningSchema> {
  return runningSchema.parse(JSON.parse(readFileSync(runningPath, "utf8")));
}

try {
  const [first, ...rest] = process.argv.slice(2);
  process.exitCode = first === "exec" ? await exec(rest) : await start(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
