import { join } from "node:path";
import type { V1Container } from "@kubernetes/client-node";
import type { KubeletApi } from "./api.ts";
import type { ContainerLaunch } from "./container-process.ts";
import { declaredEnvironment, expand, type PodFacts } from "./environment.ts";
import type { Image } from "./images.ts";
import { podKey } from "./pod-key.ts";
import type { PodVolumes } from "./volumes.ts";

/** What a launch is made from, beside the container and its image. */
export interface LaunchContext {
  readonly api: KubeletApi;
  readonly facts: PodFacts;
  readonly volumes: PodVolumes;
  /** Variables every container gets, such as the API server's address. */
  readonly baseEnv: Readonly<Record<string, string>>;
  /** Folder of this container: its logs and roots. */
  readonly folder: string;
}

/**
 * What to start for a container: `command` replaces the image's entrypoint, `args` its arguments.
 * Beside its own variables it gets POD_IP, as it has no network of its own and must bind there.
 *
 * @param restartCount tells the starts' logs apart
 * @throws ContainerConfigError when a variable's source is missing
 */
export async function prepareLaunch(
  container: V1Container,
  image: Image,
  restartCount: number,
  { api, facts, volumes, baseEnv, folder }: LaunchContext,
): Promise<ContainerLaunch> {
  const path = [image.env["PATH"], baseEnv["PATH"]].filter((part) => part !== undefined).join(":");
  const env = {
    ...baseEnv,
    ...image.env,
    // The programs that start a container are on the machine's own path.
    PATH: path,
    HOSTNAME: podKey(facts.pod).name,
    POD_IP: facts.podIp,
    ...(await declaredEnvironment(api, facts, container)),
  };
  const entrypoint = container.command ?? image.entrypoint;
  const args = container.args ?? (container.command === undefined ? image.args : []);
  return {
    argv: [...entrypoint, ...args, ...image.appendedArgs].map((word) => expand(word, env)),
    env,
    cwd: container.workingDir ?? "/",
    mounts: volumes.mountsOf(container),
    logPath: logPath(folder, restartCount),
    viewFolder: join(folder, `view-${restartCount}`),
  };
}

/** Log of a container's n-th start, counted from 0. */
export function logPath(folder: string, restartCount: number): string {
  return join(folder, `${restartCount}.log`);
}
