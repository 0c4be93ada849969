import type { DoctorReport, ToolFinding } from "./doctor.ts";
import type { ToolGroup } from "./tool-row.ts";

const sections = [
  { group: "demo", title: "Rollouts and the demo" },
  { group: "test", title: "Tests" },
  { group: "cluster", title: "Test cluster (only for `npm run test:cluster`)" },
] as const satisfies readonly { group: ToolGroup; title: string }[];

/** The report as text for a terminal: each tool once, under the first group that needs it. */
export function doctorText(report: DoctorReport): string {
  const lines = [`Platform ${report.platform}, tools are kept in ${report.toolsFolder}`];
  const width = Math.max(...report.tools.map((tool) => tool.name.length));
  for (const { group, title } of sections) {
    const tools = report.tools.filter((tool) => sectionOf(tool, report) === group);
    if (tools.length === 0) continue;
    lines.push("", title, ...tools.flatMap((tool) => toolLines(tool, width)));
  }
  if (report.tools.some((tool) => tool.state === "missing")) {
    lines.push("", "To get tools where official releases cannot be reached");
    for (const { name, version, purpose } of report.builders) {
      lines.push(`  ${name.padEnd(width)}  ${version ?? `missing (${purpose})`}`);
    }
  }
  return `${[...lines, "", verdict(report)].join("\n")}\n`;
}

function verdict({ ready, readyLocally, isCheckout }: DoctorReport): string {
  if (readyLocally) return "Ready: a rollout can start.";
  const advice = isCheckout ? "run `npm run setup`, or install what is missing above" : undefined;
  if (ready) {
    return `Ready: a rollout on a cluster can start. For one on this machine ${advice ?? "do what is said above"}.`;
  }
  return `Not ready: ${advice ?? "upramp gets what is missing when a command first needs it, or install it as said above"}.`;
}

/** A package has no tests: what it has a tool for is a rollout. */
function sectionOf(tool: ToolFinding, { isCheckout }: DoctorReport): ToolGroup | undefined {
  if (!isCheckout) return "demo";
  return sections.find(({ group }) => tool.groups.includes(group))?.group;
}

function toolLines(tool: ToolFinding, width: number): readonly string[] {
  const margin = " ".repeat(width + 4);
  const passedOver = tool.unsuitable.map(({ path, why }) => `${margin}not used: ${path}: ${why}`);
  return [
    `  ${tool.name.padEnd(width)}  ${stateText(tool)}`,
    ...passedOver,
    ...advice(tool, margin),
  ];
}

function stateText(tool: ToolFinding): string {
  switch (tool.state) {
    case "found":
      return `${tool.version ?? ""}  ${tool.path ?? ""}${tool.source === "path" ? "" : " (cache)"}`;
    case "not needed":
      return "not needed: the pulumi CLI brings it";
    case "missing":
      return `missing (${tool.accepts}): ${tool.purpose}`;
  }
}

function advice(tool: ToolFinding, margin: string): readonly string[] {
  return tool.advice === undefined ? [] : [`${margin}${tool.advice}`];
}
