import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import {
  parse,
  serviceOutputsSchema,
  type Assignment,
  type Revision,
  type ServiceOutputs,
  type Slot,
} from "../../infra/contract.ts";
import type { ObjectReader } from "../../infra/platform/preflight-objects.ts";
import { CanaryService, type CanaryServiceArgs } from "../../infra/service/canary-service.ts";
import { FakeReader, type FakeObject } from "./kubernetes-platform-reader.ts";

/** Full name of the stack of the service. */
export const stack = "organization/upramp/dev-podinfo";

export const contour = {
  kind: "gateway-api",
  profile: "contour",
  gateway: { namespace: "infra", name: "shared" },
} as const;

export const mesh = {
  kind: "app-mesh",
  mesh: "shop",
  virtualGateway: { namespace: "infra", name: "ingress" },
  allowDiscontinuedAppMesh: true,
} as const;

/** A service of podinfo 1.0.0 in namespace `shop`, on Contour. */
const base: CanaryServiceArgs = {
  namespace: "shop",
  router: contour,
  prometheus: { address: "http://prometheus.example.com" },
  revision: image("podinfo:1.0.0"),
  route: { hostnames: ["podinfo.example.com"] },
};

/** A revision in the short form. */
export function image(name: string, more: object = {}): object {
  return { image: name, port: 8080, ...more };
}

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    namespace: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
  spec: z.record(z.string(), z.unknown()),
});

/** An object that a program declared, with how. */
export interface DeclaredObject extends z.output<typeof objectSchema> {
  /** Inputs that an update leaves as the stack has them. */
  readonly ignoreChanges: readonly string[];
  /** Keys of the objects that it waits for. */
  readonly behind: readonly string[];
  /** Whether it hangs below the component. */
  readonly isChild: boolean;
}

/** What one update declared. */
export interface Declared {
  readonly outputs: ServiceOutputs;
  /** By `Kind name`. */
  readonly objects: ReadonlyMap<string, DeclaredObject>;
  /** What the program told whoever runs it. */
  readonly warnings: readonly string[];
}

/** How one update differs from a plain first one of {@link base}. */
export interface UpdateOptions {
  readonly args?: Partial<CanaryServiceArgs>;
  readonly name?: string;
  /** What the stack said of itself before. */
  readonly previous?: ServiceOutputs;
  /** An update by the driver, to this assignment. */
  readonly drive?: Assignment;
  /** Objects of the cluster, beside the namespace and the Gateway, Mesh and VirtualGateway. */
  readonly cluster?: readonly FakeObject[];
  readonly reader?: ObjectReader;
  /** Weights that the stack has, which an update that ignores changes keeps. */
  readonly live?: Readonly<Record<Slot, number>>;
  readonly isPreview?: boolean;
  readonly dependsOn?: () => pulumi.Resource;
  /** Gets the name of each object as it is declared, for updates that fail. */
  readonly seen?: string[];
}

/** A cluster that is ready for the service. */
export function readyCluster(...objects: readonly FakeObject[]): FakeReader {
  return new FakeReader(
    "Namespace shop",
    "Gateway infra/shared",
    "Mesh shop",
    "VirtualGateway infra/ingress",
    ...objects,
  );
}

interface Registered {
  readonly key: string;
  readonly resource: pulumi.Resource;
  readonly opts: pulumi.CustomResourceOptions;
}

/** Declares the service without an engine and without a cluster. */
export async function update(options: UpdateOptions = {}): Promise<Declared> {
  const { args, previous, drive, name = "podinfo" } = options;
  const registered = new Map<string, Registered>();
  const inputs = new Map<string, z.output<typeof objectSchema>>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name: resourceName, inputs: given, custom }) => {
        if (custom !== true || !type.startsWith("kubernetes:")) return { id: "id", state: {} };
        inputs.set(resourceName, objectSchema.parse(given));
        options.seen?.push(resourceName);
        const kept = (registered.get(resourceName)?.opts.ignoreChanges ?? []).length > 0;
        const { live } = options;
        const state: unknown = kept && live !== undefined ? withWeights(given, live) : given;
        return { id: `${resourceName}-id`, state: state as object };
      },
      call: ({ token }) => {
        assert.equal(token, "pulumi:pulumi:readStackOutputs");
        return { outputs: previous === undefined ? {} : { upramp: previous } };
      },
    },
    "upramp",
    "dev-podinfo",
    options.isPreview ?? false,
    "organization",
  );
  const driven = { assignment: drive, failed: null };
  pulumi.runtime.setAllConfig(
    drive === undefined ? {} : { "upramp:drive": JSON.stringify(driven) },
  );
  const see: pulumi.ResourceTransformation = ({ resource, type, name: resourceName, opts }) => {
    const key = `${type.split(":").at(-1)} ${resourceName}`;
    registered.set(resourceName, { key, resource, opts });
    return undefined;
  };
  const dependsOn = options.dependsOn?.();
  const warnings: string[] = [];
  const restore = listen(warnings);
  const before = process.env["UPRAMP_DRIVER"];
  if (drive !== undefined) process.env["UPRAMP_DRIVER"] = "1";
  try {
    const reader = options.reader ?? readyCluster(...(options.cluster ?? []));
    const component = new CanaryService(
      name,
      { ...base, ...args, reader },
      { transformations: [see], ...(dependsOn === undefined ? {} : { dependsOn }) },
    );
    const outputs = parse(serviceOutputsSchema, await valueOf(component.outputs), "outputs");
    await Promise.all([...registered.values()].map(({ resource }) => valueOf(resource.urn)));
    return { outputs, objects: objectsOf(inputs, registered, component), warnings };
  } finally {
    restore();
    if (before === undefined) delete process.env["UPRAMP_DRIVER"];
    else process.env["UPRAMP_DRIVER"] = before;
  }
}

/** Declares a service, then makes one update after the other, each on what the one before left. */
export class Stack {
  readonly #options: UpdateOptions;
  last: Declared;

  private constructor(options: UpdateOptions, last: Declared) {
    this.#options = options;
    this.last = last;
  }

  static async install(options: UpdateOptions = {}): Promise<Stack> {
    return new Stack(options, await update(options));
  }

  get assignment(): Assignment {
    return this.last.outputs.assignment;
  }

  /** A plain update, from a checkout that says this. */
  async up(args: Partial<CanaryServiceArgs> = {}, more: UpdateOptions = {}): Promise<Declared> {
    return this.#update({ ...more, args: { ...this.#options.args, ...args } });
  }

  /** An update by the driver: what is not given stays. */
  async drive(to: Partial<Assignment>): Promise<Declared> {
    return this.#update({ drive: { ...this.assignment, ...to } });
  }

  /** Brings the revision up beside the primary in blue, without weight. */
  async deployCanary(revision: Revision): Promise<Declared> {
    const { slots } = this.assignment;
    return this.drive({ slots: { ...slots, green: revision } });
  }

  /** The revision that a checkout with this image wants. */
  async wanted(revision: object): Promise<Revision> {
    return (await this.up({ revision })).outputs.configured;
  }

  async #update(options: UpdateOptions): Promise<Declared> {
    this.last = await update({ ...this.#options, previous: this.last.outputs, ...options });
    return this.last;
  }
}

/** The object of this key, which has to be there. */
export function objectOf({ objects }: Declared, key: string): DeclaredObject {
  const found = objects.get(key);
  assert.ok(found, `no ${key} among ${[...objects.keys()].join(", ")}`);
  return found;
}

/** The keys of all objects of a kind, or of all kinds, sorted. */
export function keysOf({ objects }: Declared, kind?: string): readonly string[] {
  return [...objects.keys()]
    .filter((key) => kind === undefined || key.startsWith(`${kind} `))
    .toSorted();
}

function objectsOf(
  inputs: ReadonlyMap<string, z.output<typeof objectSchema>>,
  registered: ReadonlyMap<string, Registered>,
  component: pulumi.Resource,
): ReadonlyMap<string, DeclaredObject> {
  const kindOf = (name: string): string => registered.get(name)?.key.split(" ")[0] ?? "";
  const keyOf = (name: string): string => `${kindOf(name)} ${inputs.get(name)?.metadata.name}`;
  return new Map(
    [...inputs].map(([name, object]) => {
      const opts = registered.get(name)?.opts ?? {};
      const waits = [opts.dependsOn ?? []].flat();
      const behind = [...registered]
        .filter(([, { resource }]) => waits.includes(resource))
        .map(([other]) => keyOf(other));
      const declared: DeclaredObject = {
        ...object,
        ignoreChanges: opts.ignoreChanges ?? [],
        behind,
        isChild: opts.parent === component,
      };
      return [keyOf(name), declared];
    }),
  );
}

/** The value of an output; its rejection when it has none. */
function valueOf(output: pulumi.Output<unknown>): Promise<unknown> {
  // a rejected output has its reason only here; the SDK's types leave the method out
  return (output as unknown as { promise(): Promise<unknown> }).promise();
}

/** Collects what the program logs, until it is restored. */
function listen(warnings: string[]): () => void {
  const { log } = pulumi;
  const before = log.warn;
  Object.assign(log, {
    warn: (text: string): Promise<void> => {
      warnings.push(text);
      return Promise.resolve();
    },
  });
  return () => Object.assign(log, { warn: before });
}

/** A route's inputs with other weights, blue before green, as the stack holds them. */
function withWeights(inputs: unknown, live: Readonly<Record<Slot, number>>): unknown {
  const weights = [live.blue, live.green];
  const replaced: unknown = JSON.parse(JSON.stringify(inputs), (key, value: unknown) =>
    (key === "backendRefs" || key === "weightedTargets") && Array.isArray(value)
      ? value.map((ref: object, index) => Object.assign({}, ref, { weight: weights[index] }))
      : value,
  );
  return replaced;
}
