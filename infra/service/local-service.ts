import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { processContent } from "../contract.ts";
import type { Assignment, PlatformOutputs, Revision, ServiceSettings, Slot } from "../contract.ts";
import { Directory, File, Process, ProcessSet } from "../local/resources.ts";
import { perSlot, processName, serviceDirectory, slots } from "../names.ts";
import type { Routed, Router } from "../routers/router.ts";
import type { ShownRollout } from "./shown-rollout.ts";

export interface LocalServiceArgs {
  /** Name of the stack. */
  readonly stack: string;
  readonly settings: Omit<ServiceSettings, "revision">;
  readonly assignment: Assignment;
  /** True in a plain update: the live weights are kept. */
  readonly keepWeights: boolean;
  readonly platform: PlatformOutputs;
  readonly router: Router;
  /** What policies are told of the rollout. */
  readonly rollout: ShownRollout;
  /** Directory in which the processes run. */
  readonly workingDirectory: string;
}

/** A service of target `local`: the processes of its two slots, and its route. */
export class LocalService extends pulumi.ComponentResource {
  readonly routed: Routed;
  readonly logs: pulumi.Output<string[]>;

  constructor(name: string, args: LocalServiceArgs, options?: pulumi.ComponentResourceOptions) {
    super("upramp:service:LocalService", name, {}, options);
    const path = serviceDirectory(args.platform.stateDir, args.settings.name);
    const directory = new Directory(
      `${args.settings.name}-directory`,
      { path, owner: args.stack },
      { parent: this },
    );
    const processes = perSlot((slot) => {
      const revision = args.assignment.slots[slot];
      return revision === null ? [] : this.declareSlot(args, slot, revision, directory);
    });
    this.routed = args.router.declare(
      {
        service: args.settings.name,
        port: args.settings.port,
        slotPorts: perSlot((slot) => pulumi.all(processes[slot].map(({ boundPort }) => boundPort))),
        readinessPath: args.settings.readiness.path,
        weights: args.assignment.weights,
        keepWeights: args.keepWeights,
      },
      this,
    );
    new ProcessSet(
      `${args.settings.name}-processes`,
      {
        directory: path,
        names: slots.flatMap((slot) => processes[slot].map((_, index) => processName(slot, index))),
      },
      { parent: this, dependsOn: [this.routed.route] },
    );
    this.declareTargets(args, processes);
    this.logs = pulumi.all(slots.flatMap((slot) => processes[slot].map(({ logFile }) => logFile)));
    this.registerOutputs({ rollout: args.rollout });
  }

  private declareSlot(
    { settings, platform, workingDirectory }: LocalServiceArgs,
    slot: Slot,
    revision: Revision,
    dependsOn: pulumi.Resource,
  ): Process[] {
    const directory = serviceDirectory(platform.stateDir, settings.name);
    const content = processContent(revision);
    return Array.from({ length: settings.replicas }, (_, index) => {
      const name = processName(slot, index);
      return new Process(
        `${settings.name}-${name}`,
        {
          directory,
          name,
          ...content,
          cwd: workingDirectory,
          readinessPath: settings.readiness.path,
          readinessTimeoutMs: settings.readiness.timeout,
          stopGraceMs: settings.stopGrace,
          logFile: join(directory, "logs", `${name}.log`),
        },
        { parent: this, dependsOn },
      );
    });
  }

  /** Tells Prometheus which processes there are. */
  private declareTargets(
    { settings, platform }: LocalServiceArgs,
    processes: Readonly<Record<Slot, readonly Process[]>>,
  ): void {
    const groups = slots.map((slot) =>
      pulumi.all(processes[slot].map(({ boundPort }) => boundPort)).apply((ports) => ({
        targets: ports.map((port) => `127.0.0.1:${port}`),
        labels: { service: settings.name, slot },
      })),
    );
    new File(
      `${settings.name}-targets`,
      {
        path: join(platform.prometheus.targetsDirectory, `${settings.name}.json`),
        content: pulumi.all(groups).apply((list) => JSON.stringify(list)),
      },
      { parent: this },
    );
  }
}
