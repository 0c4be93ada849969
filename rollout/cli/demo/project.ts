import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { moduleFile, packageDirectory } from "../project.ts";

export const platformStack = "demo";
export const serviceStack = "demo-podinfo";

/** A version of the example server, as a revision. */
export function podinfo(
  version: string,
  env: Readonly<Record<string, string>> = {},
): Readonly<Record<string, unknown>> {
  return {
    name: version,
    command: process.execPath,
    args: [moduleFile("examples/podinfo/server")],
    env: { VERSION: version, ...env },
  };
}

/** Steps and limits for a show of a minute; a real service takes longer ones. */
export const demoRollout = {
  interval: "3s",
  threshold: 2,
  steps: [10, 30, 60],
  metrics: [
    { name: "request-success-rate", range: { min: 99 } },
    { name: "request-duration", range: { max: 250 } },
  ],
  bake: "4s",
  drain: "1s",
} as const;

/** What differs between the demo and other uses of such a project. */
export interface LocalProject {
  readonly rollout: unknown;
  /** What `upramp:service` says beside the name and the revision. */
  readonly service: Readonly<Record<string, unknown>>;
  /** The first version, as `upramp:service.revision` has it. */
  readonly revision: unknown;
}

/**
 * A project folder of its own with a backend of its own: the user's stacks, login and checkout are not
 * touched, and one folder holds all there is to look at afterwards.
 */
export async function makeProject(options: LocalProject): Promise<string> {
  const { rollout, service, revision } = options;
  const directory = await mkdtemp(join(tmpdir(), "upramp-demo-"));
  await mkdir(join(directory, "backend"));
  const write = (name: string, content: unknown): Promise<void> =>
    writeFile(join(directory, name), stringify(content));
  await write("Pulumi.yaml", {
    name: "upramp",
    runtime: { name: "nodejs", options: { typescript: false } },
    main: moduleFile("infra/index"),
    backend: { url: `file://${join(directory, "backend")}` },
    plugins: {
      providers: [{ name: "upramp", path: join(packageDirectory, "infra", "local", "bin") }],
    },
  });
  await write(`Pulumi.${platformStack}.yaml`, {
    config: {
      "upramp:kind": "platform",
      "upramp:platform": { stateDir: join(directory, "platform") },
    },
  });
  await write(`Pulumi.${serviceStack}.yaml`, {
    config: {
      "upramp:kind": "service",
      "upramp:platform": platformStack,
      "upramp:service": { name: "podinfo", ...service, revision },
      "upramp:rollout": rollout,
    },
  });
  return directory;
}
