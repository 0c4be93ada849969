// `npm run pulumi -- ARGUMENTS`: a plain pulumi that can run this project, for those who have none
// installed. Backend, passphrase and stack are the user's own, as with an installed pulumi.
import { localTargetEnvironment, pulumiEnvironment } from "./environment.ts";
import { findTool } from "./find.ts";
import { exitCodeOf, interruptionSignal } from "./interruption.ts";
import { progressTo } from "./progress.ts";

const interruption = interruptionSignal();

async function pulumi(args: readonly string[]): Promise<never> {
  const variables = await pulumiEnvironment({
    program: "project",
    progress: progressTo(process.stderr),
    signal: interruption,
  });
  const cli = await findTool("pulumi");
  if (cli === undefined) throw new Error("pulumi was got but is not found");
  const env = { ...(await localTargetEnvironment()), ...process.env, ...variables };
  // The process becomes pulumi, so that Ctrl-C, the terminal and the exit code are pulumi's own.
  process.execve?.(cli.path, ["pulumi", ...args], env);
  throw new Error(`${cli.path} cannot be started`);
}

try {
  await pulumi(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error, interruption);
}
