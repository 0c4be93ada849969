import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { duration } from "../../infra/duration.ts";
import { onInterrupt } from "./interrupts.ts";
import { makeOutput, type Output } from "./output.ts";
import type { ServiceOptions } from "./service.ts";
import { packageVersion } from "./version.ts";

interface GlobalOptions {
  readonly stack?: string;
  readonly cwd: string;
  readonly json: boolean;
  readonly policyPack?: readonly string[];
  readonly policyPackConfig?: readonly string[];
}

interface RunFlags {
  readonly revision?: string;
  readonly retry?: boolean;
  readonly once?: boolean;
  readonly for?: number;
}

type Handler = (service: ServiceOptions, output: Output, signal: AbortSignal) => Promise<number>;

const revisionHelp =
  "the wanted revision: a command line, {JSON} or @file.yaml; on Kubernetes an image";

/** All values of an option that may be given again. */
function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** What is written after `--for`, in ms. */
function timeLimit(text: string): number {
  const { success, data } = duration.safeParse(text);
  if (!success || data <= 0) {
    throw new InvalidArgumentError('write a number and ms, s, m or h, such as "50m".');
  }
  return data;
}

/**
 * All commands and their options. Every command loads its own code only when called: `status` need not load the demo.
 *
 * @param done takes the exit code of the command that was called
 */
export function commandLine(done: (code: number) => void): Command {
  const root = new Command("upramp")
    .description(
      "Progressive delivery as a Pulumi program: each step of a canary is a `pulumi up`.",
    )
    .version(packageVersion())
    .option("-s, --stack <name>", "stack of the service (or PULUMI_STACK)")
    .option("-C, --cwd <folder>", "folder of the Pulumi project", process.cwd())
    .option("--json", "one JSON object a line on stdout (docs/json-output.md)", false)
    .addOption(
      new Option(
        "--policy-pack <folder>",
        "a policy pack that every step forward must satisfy; may be given again (default: the project's folder policies)",
      ).argParser(gathered),
    )
    .addOption(
      new Option(
        "--policy-pack-config <file>",
        "levels and settings of a policy pack's rules, as JSON; once for each pack (default: policy-config.json of the project)",
      ).argParser(gathered),
    )
    .addHelpText(
      "after",
      `\nExit codes: 0 promoted or nothing to do, 1 internal fault, 2 wrong usage or configuration,
3 rolled back, 4 stopped and needs a person, 5 another driver holds the lock,
6 not finished yet (--once, --for), 130 interrupted.`,
    )
    .exitOverride();

  const handle = (load: () => Promise<Handler>) => async (): Promise<void> => {
    const { stack, cwd, json, policyPack, policyPackConfig } = root.opts<GlobalOptions>();
    const output = makeOutput(json);
    const signal = onInterrupt((text) => output.say(text));
    const handler = await load();
    const service = { stack, cwd: resolve(cwd), policyPack, policyPackConfig };
    try {
      done(await handler(service, output, signal));
    } finally {
      output.close();
    }
  };

  const planCommand = root
    .command("plan")
    .description("print every step, hold, metric and bound that run would go through")
    .option("--revision <text>", revisionHelp)
    .action(
      handle(async () => {
        const { plan } = await import("./commands/plan.ts");
        const own = planCommand.opts<{ revision?: string }>();
        return (service, output, signal) => plan({ ...service, ...own }, output, signal);
      }),
    );
  const runCommand = root
    .command("run")
    .description("drive the service to its wanted revision: promote it, or roll it back")
    .option("--revision <text>", revisionHelp)
    .option("--retry", "try a revision again that was rolled back")
    .option("--until-done", "go on until it is promoted or rolled back (default)")
    .addOption(
      new Option(
        "--once",
        "do all that is due now, then end; for a scheduler that calls again",
      ).conflicts("untilDone"),
    )
    .addOption(
      new Option(
        "--for <time>",
        'end within this time, such as "50m", finished or not; the next run goes on',
      ).argParser(timeLimit),
    )
    .action(
      handle(async () => {
        const { run } = await import("./commands/run.ts");
        const { for: forMs, ...own } = runCommand.opts<RunFlags>();
        return (service, output, signal) => run({ ...service, ...own, forMs }, output, signal);
      }),
    );
  root
    .command("status")
    .description("say where the service stands and what happens next")
    .action(handle(async () => (await import("./commands/status.ts")).status));
  const promoteCommand = root
    .command("promote")
    .description("go on from a hold; --full skips what is left of the analysis")
    .option("--full", "move all requests to the new revision now", false)
    .action(
      handle(async () => {
        const { send } = await import("./commands/send.ts");
        const kind = promoteCommand.opts<{ full: boolean }>().full ? "promoteFull" : "promote";
        return (service, output, signal) => send(kind, service, output, signal);
      }),
    );
  root
    .command("rollback")
    .description("send all requests back to the old revision and remove the new one")
    .action(
      handle(async () => {
        const { send } = await import("./commands/send.ts");
        return (service, output, signal) => send("rollback", service, output, signal);
      }),
    );
  root
    .command("check")
    .description("one analysis now, of the canary or at rest of the primary")
    .action(handle(async () => (await import("./commands/check.ts")).check));
  root
    .command("doctor")
    .description("say which tools were found, where, and what to do about what is missing")
    .action(handle(async () => (await import("./commands/doctor.ts")).doctor));
  root
    .command("schema")
    .description("print the JSON Schema of the lines that --json writes")
    .action(async () => done((await import("./commands/schema.ts")).schema()));
  const demoCommand = root
    .command("demo")
    .description("roll out a good version and a bad one on this machine, with real parts")
    .option("--keep", "leave the stacks and processes running", false)
    .action(
      handle(async () => {
        const { demo } = await import("./commands/demo.ts");
        const { keep } = demoCommand.opts<{ keep: boolean }>();
        return (_service, output, signal) => demo({ keep }, output, signal);
      }),
    );
  return root;
}
