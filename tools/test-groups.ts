import { basename, join } from "node:path";

/** Test files that run in one process and, where they need one, on one cluster. */
export interface TestGroup {
  readonly name: string;
  /** Arguments of Node: the script that runs the files, and what it is told. */
  readonly args: readonly string[];
  /** About how long it takes with a core of its own, in s. Nothing but the order depends on it. */
  readonly expectedS: number;
  /** Whether it may run no test at all, as when `--grep` means those of another group. */
  readonly mayBeEmpty?: boolean;
  /** Whether it makes a test cluster. */
  readonly needsCluster?: boolean;
}

interface GroupRule {
  readonly name: string;
  /** What the paths of its files begin with. */
  readonly under: string;
  readonly expectedS: number;
}

/** Slow files, each able to run beside all others; what is not named is quick and runs together. */
const plainRules: readonly GroupRule[] = [
  { name: "rollouts", under: "tests/end-to-end/rollouts", expectedS: 125 },
  { name: "local stacks", under: "tests/infra/local-stacks", expectedS: 70 },
  { name: "bad input", under: "tests/end-to-end/bad-input", expectedS: 60 },
  { name: "policies, schedules", under: "tests/end-to-end/", expectedS: 200 },
  { name: "examples", under: "tests/examples/", expectedS: 90 },
];
const plainRest: GroupRule = { name: "the rest", under: "tests/", expectedS: 75 };

/** Slow files that share a cluster with no other. */
const ownClusterRules: readonly GroupRule[] = [
  // Each of them kills parts of its cluster and starts gateways whose ports are given.
  { name: "cluster, end to end", under: "tests/cluster/end-to-end/", expectedS: 150 },
  { name: "cluster", under: "tests/cluster/kubernetes-provider", expectedS: 120 },
  { name: "cluster", under: "tests/cluster/kubernetes-platform", expectedS: 130 },
  { name: "cluster", under: "tests/cluster/canary-service", expectedS: 150 },
];
const sharedCluster: GroupRule = { name: "cluster", under: "tests/cluster/", expectedS: 240 };

/** The cluster's suites are a program of its own, since they run inside a network namespace. */
const clusterProgram = join("tests", "cluster", "run.ts");

/** Whether a test file runs on the test cluster. */
export function isOnCluster(file: string): boolean {
  return file.startsWith("tests/cluster/");
}

/**
 * The groups of the tests that need no cluster.
 *
 * @param files paths from the package's folder, with `/`
 */
export function plainGroups(files: readonly string[]): TestGroup[] {
  const rules = [...plainRules, plainRest];
  return rules.flatMap((rule) => {
    const own = files.filter((file) => ruleOf(file, rules) === rule);
    return own.length === 0 ? [] : [mochaGroup(rule.name, own, rule.expectedS)];
  });
}

/** One run of mocha with these arguments: files, globs and options. */
export function mochaGroup(name: string, args: readonly string[], expectedS = 0): TestGroup {
  const mocha = join("node_modules", "mocha", "bin", "mocha.js");
  return { name, args: [mocha, "--reporter=tools/mocha-reporter.ts", ...args], expectedS };
}

/**
 * The groups of the tests on clusters of their own: most share one, slow ones have their own.
 *
 * @param files paths from the package's folder, with `/`
 * @param grep  runs only tests whose full title has this text
 */
export function clusterGroups(files: readonly string[], grep?: string): TestGroup[] {
  const shared = files.filter((file) => ruleOf(file, ownClusterRules) === undefined);
  const own = files.flatMap((file) => {
    const rule = ruleOf(file, ownClusterRules);
    return rule === undefined
      ? []
      : [{ rule, name: `${rule.name}: ${titleOf(file)}`, files: [file] }];
  });
  const parts = [
    ...(shared.length === 0
      ? []
      : [{ rule: sharedCluster, name: sharedCluster.name, files: shared }]),
    ...own,
  ];
  const choice = grep === undefined ? [] : ["--grep", grep];
  return parts.map((part) => ({
    name: part.name,
    args: [clusterProgram, ...choice, ...part.files],
    expectedS: part.rule.expectedS,
    mayBeEmpty: grep !== undefined && parts.length > 1,
    needsCluster: true,
  }));
}

/** All of these tests on the cluster of a kubeconfig context, one after the other. */
export function contextGroup(args: readonly string[]): TestGroup {
  return { name: "cluster", args: [clusterProgram, ...args], expectedS: sharedCluster.expectedS };
}

function ruleOf(file: string, rules: readonly GroupRule[]): GroupRule | undefined {
  return rules.find(({ under }) => file.startsWith(under));
}

/** `contour` for `tests/cluster/end-to-end/contour.test.ts`. */
function titleOf(file: string): string {
  return basename(file, ".test.ts");
}
