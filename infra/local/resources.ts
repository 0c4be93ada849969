import * as pulumi from "@pulumi/pulumi";
import type { Slot } from "../contract.ts";

/** The program's side of the resource types that `provider.ts` serves. */

/**
 * The provider itself. It is declared, not left to the engine's default, because a default provider would get all
 * of the configuration namespace `upramp` as its own: each drive would change it.
 */
export class LocalProvider extends pulumi.ProviderResource {
  constructor(name: string, options?: pulumi.ResourceOptions) {
    super("upramp", name, {}, options);
  }
}

export interface DirectoryArgs {
  readonly path: string;
  /** Name of the stack; shown in errors. */
  readonly owner: string;
  /** The configuration key that sets the path, for errors. */
  readonly pathKey?: string;
}

/** A directory of one stack; it goes with all that is in it. */
export class Directory extends pulumi.CustomResource {
  constructor(name: string, args: DirectoryArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:Directory", name, { ...args }, options);
  }
}

export interface DestroyGuardArgs {
  /** Below it each user of the guarded things has a `Directory`. */
  readonly directory: string;
}

/** Refuses the deletion of what it depends on while somebody uses it. */
export class DestroyGuard extends pulumi.CustomResource {
  constructor(name: string, args: DestroyGuardArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:DestroyGuard", name, { ...args }, options);
  }
}

export interface ProcessSetArgs {
  readonly directory: string;
  /** Names of the processes that are to run from the directory. */
  readonly names: readonly string[];
}

/** Ends what else runs from a directory. */
export class ProcessSet extends pulumi.CustomResource {
  constructor(name: string, args: ProcessSetArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:ProcessSet", name, { ...args }, options);
  }
}

export interface FileArgs {
  readonly path: pulumi.Input<string>;
  readonly content: pulumi.Input<string>;
}

/** A whole file of given content. */
export class File extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: FileArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:File", name, { ...args }, options);
  }
}

export interface ProcessArgs {
  /** Where run files and picked ports are kept. */
  readonly directory: pulumi.Input<string>;
  /** Unique in the directory. */
  readonly name: string;
  readonly command: pulumi.Input<string>;
  /** Environment variable that names the file to run in the place of `command`, looked at only at a start. */
  readonly commandVariable?: string;
  /** `{{ port }}` stands for the port, in the values of env too. */
  readonly args: pulumi.Input<readonly pulumi.Input<string>[]>;
  readonly env: pulumi.Input<Readonly<Record<string, string>>>;
  readonly cwd: pulumi.Input<string>;
  /** A free one is picked when not given. */
  readonly port?: number | undefined;
  /** The configuration key that sets the port, for errors. */
  readonly portKey?: string;
  readonly readinessPath: string;
  readonly readinessTimeoutMs: number;
  readonly stopGraceMs: number;
  readonly logFile: pulumi.Input<string>;
  readonly installHint?: string;
  /** Anything whose change needs a restart. */
  readonly restartOn?: pulumi.Input<string>;
}

/** A process on this machine that outlives the update that started it. Its id is `pid:starttime`. */
export class Process extends pulumi.CustomResource {
  declare readonly pid: pulumi.Output<number>;
  declare readonly boundPort: pulumi.Output<number>;
  /** `http://127.0.0.1:<port>`. */
  declare readonly url: pulumi.Output<string>;
  declare readonly logFile: pulumi.Output<string>;

  constructor(name: string, args: ProcessArgs, options?: pulumi.CustomResourceOptions) {
    super(
      "upramp:local:Process",
      name,
      { ...args, pid: undefined, boundPort: undefined, url: undefined },
      options,
    );
  }
}

export interface XdsEntryArgs {
  /** The platform's directory of Envoy files. */
  readonly directory: pulumi.Input<string>;
  readonly name: string;
  /** A free one is picked when not given. */
  readonly port?: number | undefined;
  readonly portKey?: string;
  /** JSON lists of Envoy resources; `{{ port }}` stands for the port. */
  readonly listeners: pulumi.Input<string>;
  readonly clusters: pulumi.Input<string>;
  /** What to do when Envoy does not take it up. */
  readonly hint?: string;
}

/** One service's listeners and clusters among those of the platform's Envoy. */
export class XdsEntry extends pulumi.CustomResource {
  declare readonly boundPort: pulumi.Output<number>;

  constructor(name: string, args: XdsEntryArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:XdsEntry", name, { ...args, boundPort: undefined }, options);
  }
}

export interface RouteArgs {
  readonly path: pulumi.Input<string>;
  /** JSON in which `{{ blue }}` and `{{ green }}` stand for the weights. */
  readonly template: pulumi.Input<string>;
  readonly weights: pulumi.Input<Readonly<Record<Slot, number>>>;
}

/** The route file of one service. */
export class Route extends pulumi.CustomResource {
  declare readonly weights: pulumi.Output<Record<Slot, number>>;

  constructor(name: string, args: RouteArgs, options?: pulumi.CustomResourceOptions) {
    super("upramp:local:Route", name, { ...args }, options);
  }
}
