import { createHash, randomUUID } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fill } from "./fill.ts";
import { findCommand } from "./find-command.ts";
import { LocalError } from "./local-error.ts";
import type { LocalResource } from "./local-resource.ts";
import { lastLines } from "./log-tail.ts";
import { launch, stopProcess, waitUntilReady } from "./managed-process.ts";
import { claimPort } from "./ports.ts";
import { identityText, isAlive, parseIdentity } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { findRun, markVariable, readRun, removeRun, runDirectory, writeRun } from "./run-file.ts";

const inputsSchema = z.object({
  /** Where run files and picked ports are kept. */
  directory: z.string().min(1),
  /** Unique in the directory. */
  name: z.string().min(1),
  command: z.string().min(1),
  /**
   * Environment variable of whoever updates that names the file to run in the place of `command`. It is looked
   * at only at a start: an update from another shell does not restart what runs.
   */
  commandVariable: z.string().optional(),
  /** `{{ port }}` stands for the port, in the values of env too. */
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  cwd: z.string().min(1),
  /** A free one is picked when not given. */
  port: z.int().min(1).max(65_535).optional(),
  /** The configuration key that sets the port, for errors. */
  portKey: z.string().optional(),
  readinessPath: z.string().startsWith("/"),
  readinessTimeoutMs: z.number().positive(),
  stopGraceMs: z.number().nonnegative(),
  logFile: z.string().min(1),
  /** What to say when the command is not found. */
  installHint: z.string().optional(),
  /** Anything whose change needs a restart, such as the text of a configuration file. */
  restartOn: z.string().optional(),
});
type ProcessInputs = z.infer<typeof inputsSchema>;

const stateSchema = inputsSchema.extend({
  pid: z.int(),
  /** The port that was given or picked. */
  boundPort: z.int(),
  url: z.string(),
});

/** What of our own environment a process gets; the rest may hold the passphrase and other secrets. */
const inheritedVariables = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ"];

const runPath = ({ directory, name }: ProcessInputs): string =>
  join(runDirectory(directory), `${name}.json`);

/** Identity of what is started: what the next start of the same resource has to agree with to take it over. */
function whatIsStarted(inputs: ProcessInputs): string {
  const { command, args, env, cwd, port, logFile, restartOn } = inputs;
  const sorted = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([command, args, sorted, cwd, port, logFile, restartOn]))
    .digest("hex");
}

function environmentOf(inputs: ProcessInputs, port: number, mark: string): Record<string, string> {
  const inherited = inheritedVariables.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const own = Object.entries(inputs.env).map(([name, value]): [string, string] => [
    name,
    String(fill(value, { port })),
  ]);
  return {
    ...Object.fromEntries(inherited),
    PORT: String(port),
    ...Object.fromEntries(own),
    [markVariable]: mark,
  };
}

function stateOf(
  inputs: ProcessInputs,
  identity: ProcessIdentity,
  port: number,
): z.infer<typeof stateSchema> {
  return { ...inputs, pid: identity.pid, boundPort: port, url: `http://127.0.0.1:${port}` };
}

/** Waits until it is ready, or stops it and says why it never was. */
async function untilReady(
  inputs: ProcessInputs,
  started: {
    identity: ProcessIdentity;
    port: number;
    exitText: Promise<string>;
    logStart: number;
  },
  signal: AbortSignal,
): Promise<void> {
  const url = `http://127.0.0.1:${started.port}${inputs.readinessPath}`;
  const timeoutMs = inputs.readinessTimeoutMs;
  const result = await waitUntilReady(started.identity, { url, timeoutMs, signal });
  if (result === "ready") return;
  await stopProcess(started.identity, inputs.stopGraceMs);
  removeRun(runPath(inputs));
  const exitText = await started.exitText;
  const why = {
    exited: `${inputs.name} ended before it was ready: ${exitText}`,
    timeout: `${inputs.name} was not ready within ${timeoutMs} ms: no answer of 200 to 399 from ${url}; it was stopped`,
    canceled: `the start of ${inputs.name} was canceled; it was stopped`,
  }[result];
  const lines = lastLines(inputs.logFile, started.logStart);
  const command = [inputs.command, ...inputs.args].join(" ");
  throw new LocalError(
    [
      why,
      `  command: ${command}`,
      `  log: ${inputs.logFile}`,
      ...lines.map((line) => `  | ${line}`),
    ].join("\n"),
  );
}

async function start(
  inputs: ProcessInputs,
  signal: AbortSignal,
): Promise<{ identity: ProcessIdentity; port: number }> {
  if (!existsSync(inputs.cwd) || !statSync(inputs.cwd).isDirectory()) {
    throw new LocalError(`${inputs.name}: the working directory ${inputs.cwd} does not exist`);
  }
  const path = inputs.env["PATH"] ?? process.env["PATH"] ?? "";
  const variable = inputs.commandVariable;
  const wanted = (variable === undefined ? undefined : process.env[variable]) ?? inputs.command;
  const command = findCommand(wanted, inputs.cwd, path);
  if (command === null) {
    const where = wanted.includes("/") ? `in ${inputs.cwd}` : `on PATH (${path})`;
    const hint = inputs.installHint ?? "check the command for a typing error";
    throw new LocalError(`${inputs.name}: the command "${wanted}" was not found ${where}; ${hint}`);
  }
  const port = await claimPort({
    directory: join(inputs.directory, "ports"),
    name: inputs.name,
    wanted: inputs.port,
    configKey: inputs.portKey,
  });
  const run = { what: whatIsStarted(inputs), mark: randomUUID(), port };
  writeRun(runPath(inputs), { ...run, identity: null });
  const logStart = existsSync(inputs.logFile) ? statSync(inputs.logFile).size : 0;
  const { identity, child } = launch({
    command,
    args: inputs.args.map((arg) => String(fill(arg, { port }))),
    env: environmentOf(inputs, port, run.mark),
    cwd: inputs.cwd,
    logFile: inputs.logFile,
  });
  writeRun(runPath(inputs), { ...run, identity });
  const exitText = new Promise<string>((resolve) => {
    child.once("exit", (code, signalName) => {
      resolve(code === null ? `signal ${signalName ?? "unknown"}` : `exit code ${code}`);
    });
  });
  await untilReady(inputs, { identity, port, exitText, logStart }, signal);
  return { identity, port };
}

/** Takes over what a crashed create of the same inputs started; stops what one of other inputs started. */
async function adopt(
  inputs: ProcessInputs,
  signal: AbortSignal,
): Promise<{ identity: ProcessIdentity; port: number } | null> {
  const found = findRun(runPath(inputs));
  if (found === null) return null;
  const { identity, run } = found;
  if (run.what !== whatIsStarted(inputs)) {
    await stopProcess(identity, inputs.stopGraceMs);
    return null;
  }
  const logStart = Number.MAX_SAFE_INTEGER; // where this one's lines begin is not known
  const exitText = Promise.resolve("it was started by an interrupted update");
  await untilReady(inputs, { identity, port: run.port, exitText, logStart }, signal);
  return { identity, port: run.port };
}

/** A process on this machine that outlives the update that started it. */
export const processResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  // not cwd: an update from a checkout in another place must not restart what runs
  replaceOn: ["directory", "name", "command", "args", "env", "port", "logFile", "restartOn"],

  async create(properties, signal) {
    const inputs = inputsSchema.parse(properties);
    const { identity, port } = (await adopt(inputs, signal)) ?? (await start(inputs, signal));
    return { id: identityText(identity), state: stateOf(inputs, identity, port) };
  },

  read(id, properties) {
    const state = stateSchema.parse(properties);
    return Promise.resolve(isAlive(parseIdentity(id)) ? state : null);
  },

  update(id, oldState, properties) {
    const { boundPort } = stateSchema.parse(oldState);
    return Promise.resolve(stateOf(inputsSchema.parse(properties), parseIdentity(id), boundPort));
  },

  async delete(id, properties) {
    const state = stateSchema.parse(properties);
    const identity = parseIdentity(id);
    await stopProcess(identity, state.stopGraceMs);
    const run = readRun(runPath(state))?.identity;
    if (run?.pid === identity.pid && run.startTime === identity.startTime) {
      removeRun(runPath(state));
    }
  },
};
