import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { makeProject, platformStack, serviceStack } from "../../rollout/cli/demo/project.ts";
import { Service } from "../../rollout/cli/service.ts";
import { Traffic, type Answer } from "../../rollout/cli/demo/traffic.ts";
import type { ServiceOutputs } from "../../infra/contract.ts";
import { podinfo } from "../../rollout/cli/demo/project.ts";
import { overlayEnvironment } from "../support/process-environment.ts";
import { pulumi, RunningCommand, upramp } from "./commands.ts";

/** A rollout as short as the real parts allow: Prometheus scrapes every second. */
export const shortRollout = {
  interval: "2500ms",
  threshold: 2,
  steps: [20, 60],
  metrics: [
    { name: "request-success-rate", range: { min: 99 } },
    { name: "request-duration", range: { max: 250 } },
  ],
  bake: "1s",
  drain: "500ms",
  limits: { ready: "10s" },
} as const;

/** A platform and a service on this machine, as a user has them, in a folder of their own. */
export class LocalService {
  readonly directory: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #platform: Service;
  readonly #service: Service;
  readonly #restore: () => void;
  #traffic: Traffic | null = null;

  private constructor(
    directory: string,
    env: Readonly<Record<string, string>>,
    platform: Service,
    service: Service,
    restore: () => void,
  ) {
    this.directory = directory;
    this.#env = env;
    this.#platform = platform;
    this.#service = service;
    this.#restore = restore;
  }

  /** @param more variables of every command, such as those of another backend than files in the folder */
  static async deploy(
    rollout: unknown = shortRollout,
    more: Readonly<Record<string, string>> = {},
  ): Promise<LocalService> {
    const directory = await makeProject({
      rollout,
      service: { readiness: { timeout: "8s" } },
      revision: podinfo("v1"),
    });
    const env = {
      PULUMI_BACKEND_URL: `file://${join(directory, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      ...more,
    };
    const restore = overlayEnvironment(env);
    const platform = await Service.create({ cwd: directory, stack: platformStack });
    const service = await Service.create({ cwd: directory, stack: serviceStack });
    const { signal } = new AbortController();
    await platform.stack.install(signal);
    await service.stack.install(signal);
    return new LocalService(directory, env, platform, service, restore);
  }

  outputs(): Promise<ServiceOutputs> {
    return this.#service.outputs(new AbortController().signal);
  }

  upramp(...args: readonly string[]): RunningCommand {
    return upramp(this.directory, this.#env, "-s", serviceStack, ...args);
  }

  /** `upramp run` to a version of podinfo that behaves as `env` says. */
  run(version: string, env: Readonly<Record<string, string>> = {}): RunningCommand {
    return this.upramp("run", "--revision", JSON.stringify(podinfo(version, env)));
  }

  pulumi(...args: readonly string[]): RunningCommand {
    return pulumi(this.directory, this.#env, ...args, "-s", serviceStack);
  }

  /** Edits the checkout: what stands under `upramp:rollout` of the service's stack. */
  configureRollout(rollout: unknown): Promise<void> {
    return this.#configure(["upramp:rollout"], rollout);
  }

  /** Edits the checkout: the revision that a plain update then asks for. */
  configureRevision(revision: unknown): Promise<void> {
    return this.#configure(["upramp:service", "revision"], revision);
  }

  async #configure(path: readonly string[], value: unknown): Promise<void> {
    const file = join(this.directory, `Pulumi.${serviceStack}.yaml`);
    const settings = parseDocument(await readFile(file, "utf8"));
    settings.setIn(["config", ...path], value);
    await writeFile(file, settings.toString());
  }

  /** Any command in the project's folder, with what `upramp` is given there; `more` comes on top. */
  command(
    name: string,
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): RunningCommand {
    const env = { ...process.env, ...this.#env, ...more };
    return new RunningCommand(name, args, env, this.directory);
  }

  /** The same service, seen from a shell with other variables. */
  withEnvironment(env: Readonly<Record<string, string>>): LocalService {
    return new LocalService(
      this.directory,
      { ...this.#env, ...env },
      this.#platform,
      this.#service,
      this.#restore,
    );
  }

  /** Ends Prometheus as a crash would; the stack does not know. */
  async killPrometheus(): Promise<void> {
    const { metrics } = await this.outputs();
    const { port } = new URL(metrics.address);
    const list = new RunningCommand("ps", ["-eo", "pid=,args="], process.env, this.directory);
    const line = (await list.done).stdout
      .split("\n")
      .find((text) => text.includes("prometheus") && text.includes(`:${port}`));
    const pid = Number(line?.trim().split(" ")[0]);
    if (!(pid > 1)) throw new Error(`no Prometheus on port ${port}`);
    process.kill(pid, "SIGKILL");
  }

  async startTraffic(requestsPerSecond = 100): Promise<void> {
    const { endpoint } = await this.outputs();
    if (endpoint === undefined) throw new Error("a service of this machine has an endpoint");
    this.#traffic = new Traffic(endpoint, requestsPerSecond, 120);
  }

  async stopTraffic(): Promise<readonly Answer[]> {
    await this.#traffic?.stop();
    return this.#traffic?.answers ?? [];
  }

  async destroy(): Promise<void> {
    await this.#traffic?.stop();
    await this.#service.stack.destroy();
    await this.#platform.stack.destroy();
    this.#service.close();
    this.#platform.close();
    this.#restore();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Requests that failed without the fault of `badVersion`. */
export function failedOtherwise(
  answers: readonly Answer[],
  badVersion?: string,
): readonly Answer[] {
  return answers.filter(
    ({ status, version }) =>
      (status === 0 || status >= 500) && (badVersion === undefined || version !== badVersion),
  );
}
