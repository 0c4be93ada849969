// `npm run setup`: gets the tools of the demo and of a plain `pulumi up`; with `--all` those of the
// test cluster too; with names just those.
import { doctor } from "./doctor.ts";
import { doctorText } from "./doctor-text.ts";
import { getTools } from "./get.ts";
import { getGroups } from "./group.ts";
import { exitCodeOf, interruptionSignal } from "./interruption.ts";
import { progressTo } from "./progress.ts";
import { toolNames, type ToolName } from "./table.ts";
import { UserError } from "../rollout/errors.ts";

const interruption = interruptionSignal();

function toolNamed(arg: string): ToolName {
  const name = toolNames.find((known) => known === arg);
  if (name !== undefined) return name;
  throw new UserError(
    `setup: there is no tool "${arg}". Give --all, or some of: ${toolNames.join(", ")}`,
  );
}

async function setup(args: readonly string[]): Promise<void> {
  const progress = progressTo(process.stderr);
  const options = { signal: interruption };
  if (args.length === 0) await getGroups(["demo", "test"], progress, options);
  else if (args.length === 1 && args[0] === "--all") {
    await getGroups(["demo", "test", "cluster"], progress, options);
  } else await getTools(args.map(toolNamed), progress, options);
  process.stdout.write(doctorText(await doctor()));
}

try {
  await setup(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error, interruption);
}
