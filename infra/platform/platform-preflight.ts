import { z } from "zod";
import type {
  KubernetesPlatformOutputs,
  KubernetesPlatformSettings,
  RouterSettings,
} from "../kubernetes-contract.ts";
import type { Lookup, ObjectName } from "../service/cluster-reader.ts";
import { selectsLabels } from "./label-selector.ts";
import { appMeshVersion, injectorLabel } from "./mesh.ts";
import { ownerAnnotation } from "./owned-object.ts";
import { prometheusName } from "./prometheus-deployment.ts";
import { namespaceNameLabel, serviceNamespacesOf } from "./service-namespaces.ts";

/** What tells whether a cluster holds an object; `ClusterReader` is one. */
export interface ObjectReader {
  lookUp(name: ObjectName): Promise<Lookup>;
}

/** What is looked at before a platform is declared. */
export interface PlatformPreflightArgs {
  readonly settings: KubernetesPlatformSettings;
  /** Full name of the stack. */
  readonly owner: string;
  /** What the platform was after the last update; undefined before the first. */
  readonly previous: KubernetesPlatformOutputs | undefined;
}

const gatewayApi = "gateway.networking.k8s.io/v1";

const objectSchema = z.object({
  metadata: z.object({
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.unknown().optional(),
  }),
});

/**
 * Everything that is missing or in the way of a platform, each with what to do about it; empty when all is well. It is
 * asked at every update: what a platform uses can go away later too.
 */
export async function platformFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { settings, previous } = args;
  const { name } = settings.namespace;
  if (previous !== undefined && previous.namespace !== name) {
    return [
      `namespace.name = "${name}": this platform is in namespace "${previous.namespace}" with the services on it, and ` +
        "cannot move: set that one again, or destroy the services and the platform first",
    ];
  }
  const faults = await Promise.all([
    namespaceFaults(reader, args),
    furtherNamespaceFaults(reader, settings),
    settings.router.kind === "gateway-api"
      ? gatewayFaults(reader, args, settings.router)
      : meshFaults(reader, args, settings.router),
    prometheusFaults(reader, args),
  ]);
  return faults.flat();
}

type Router<Kind extends RouterSettings["kind"]> = KubernetesPlatformSettings["router"] & {
  readonly kind: Kind;
};

async function namespaceFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { name, create } = settings.namespace;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
  if (found.kind !== "found") {
    if (create) return [];
    return [
      `namespace "${name}" does not exist: create it with \`kubectl create namespace ${name}\`, correct ` +
        "namespace.name, or remove `namespace.create: false`",
    ];
  }
  const { metadata } = objectSchema.parse(found.object);
  const isOwn = metadata.annotations[ownerAnnotation] === owner;
  if (create && !isOwn) {
    return [
      `namespace "${name}" is there already and this stack did not make it: use it as it is with ` +
        "`namespace.create: false`, or give another namespace.name",
    ];
  }
  if (!create && isOwn) {
    return [
      `namespace.create = false: this stack made namespace "${name}", and would now delete it with all that is in it: ` +
        `remove the key; or, to leave the namespace in place, first take it out of the stack (\`pulumi state delete\`) ` +
        `and run \`kubectl annotate namespace ${name} ${ownerAnnotation}-\``,
    ];
  }
  if (metadata.deletionTimestamp === undefined) return [];
  return [`namespace "${name}" is being deleted: try again when it is gone`];
}

/** Namespaces beside the platform's own that are named somewhere. */
async function furtherNamespaceFaults(
  reader: ObjectReader,
  settings: KubernetesPlatformSettings,
): Promise<readonly string[]> {
  const { namespace, serviceNamespaces, prometheus } = settings;
  const searched = "deploy" in prometheus ? prometheus.deploy.namespaces : [];
  const places = new Map<string, string>([
    ...searched.map((name) => [name, "prometheus.deploy.namespaces"] as const),
    ...(serviceNamespaces === "all" ? [] : serviceNamespaces).map(
      (name) => [name, "serviceNamespaces"] as const,
    ),
  ]);
  places.delete(namespace.name);
  const faults = await Promise.all(
    [...places].map(async ([name, place]) => {
      const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
      if (found.kind === "found") return [];
      return [`namespace "${name}" of ${place} does not exist: create it, or remove it there`];
    }),
  );
  return faults.flat();
}

async function gatewayFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  { gateway }: Router<"gateway-api">,
): Promise<readonly string[]> {
  const isOwn = "className" in gateway;
  const namespace = isOwn ? args.settings.namespace.name : gateway.namespace;
  const found = await reader.lookUp({
    apiVersion: gatewayApi,
    kind: "Gateway",
    namespace,
    name: gateway.name,
  });
  if (found.kind === "unserved") {
    return [
      "the cluster does not know Gateway API: install its CRDs (https://gateway-api.sigs.k8s.io/guides/), and an " +
        "implementation",
    ];
  }
  if (isOwn) {
    const use = `use it as it is with gateway: {namespace: ${namespace}, name: ${gateway.name}}`;
    return [
      ...(await classFaults(reader, gateway.className)),
      ...takenFaults(found, args.owner, `Gateway ${namespace}/${gateway.name}`, use),
    ];
  }
  if (found.kind !== "found") {
    return [
      `Gateway ${namespace}/${gateway.name} does not exist: create it, correct router.gateway, or give ` +
        "router.gateway.className in the place of namespace, so that this stack makes one",
    ];
  }
  return listenerFaults(found.object, gateway);
}

const classSchema = z.object({
  spec: z.object({ controllerName: z.string() }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().default("") }))
        .default([]),
    })
    .default({ conditions: [] }),
});

async function classFaults(reader: ObjectReader, name: string): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion: gatewayApi, kind: "GatewayClass", name });
  if (found.kind !== "found") {
    return [
      `GatewayClass ${name} does not exist: install the implementation of Gateway API that brings it, or correct ` +
        "router.gateway.className (`kubectl get gatewayclasses` lists those there are)",
    ];
  }
  const { spec, status } = classSchema.parse(found.object);
  const refused = status.conditions.find(
    ({ type, status: verdict }) => type === "Accepted" && verdict === "False",
  );
  if (refused === undefined) return [];
  return [
    `GatewayClass ${name} is not accepted by ${spec.controllerName} (${refused.message}): see to the class, or name ` +
      "another in router.gateway.className",
  ];
}

const listenersSchema = z.object({
  spec: z.object({ listeners: z.array(z.object({ name: z.string() })) }),
});

function listenerFaults(
  object: unknown,
  gateway: (RouterSettings & { readonly kind: "gateway-api" })["gateway"],
): readonly string[] {
  const { namespace, name, listener } = gateway;
  if (listener === undefined) return [];
  const known = listenersSchema.parse(object).spec.listeners.map((one) => one.name);
  if (known.includes(listener)) return [];
  return [
    `router.gateway.listener = "${listener}": Gateway ${namespace}/${name} has only ${known.join(", ")}`,
  ];
}

async function meshFaults(
  reader: ObjectReader,
  args: PlatformPreflightArgs,
  { mesh, createMesh, virtualGateway }: Router<"app-mesh">,
): Promise<readonly string[]> {
  const found = await reader.lookUp({ apiVersion: appMeshVersion, kind: "Mesh", name: mesh });
  if (found.kind === "unserved") {
    return ["the cluster does not know App Mesh: install the CRDs of group appmesh.k8s.aws"];
  }
  const gateway =
    virtualGateway === undefined ? [] : await virtualGatewayFaults(reader, args, virtualGateway);
  if (createMesh) {
    const use = "use it as it is with `router.createMesh: false`";
    return [...takenFaults(found, args.owner, `Mesh ${mesh}`, use), ...gateway];
  }
  if (found.kind !== "found") {
    const fix = "create it, correct router.mesh, or remove `router.createMesh: false`";
    return [`Mesh ${mesh} does not exist: ${fix}`, ...gateway];
  }
  return [...(await membershipFaults(reader, args.settings, mesh, found.object)), ...gateway];
}

async function virtualGatewayFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
  gateway: NonNullable<Router<"app-mesh">["virtualGateway"]>,
): Promise<readonly string[]> {
  const isOwn = !("namespace" in gateway);
  const namespace = isOwn ? settings.namespace.name : gateway.namespace;
  const { name } = gateway;
  const kind = "VirtualGateway";
  const found = await reader.lookUp({ apiVersion: appMeshVersion, kind, namespace, name });
  if (isOwn) {
    const use = `use it as it is with virtualGateway: {namespace: ${namespace}, name: ${name}}`;
    return takenFaults(found, owner, `${kind} ${namespace}/${name}`, use);
  }
  if (found.kind === "found") return [];
  return [
    `${kind} ${namespace}/${name} does not exist: create it, correct router.virtualGateway, or remove its namespace, so ` +
      "that this stack makes one",
  ];
}

const meshSchema = z.object({
  spec: z.object({ namespaceSelector: z.unknown() }).default({ namespaceSelector: undefined }),
});

/** Namespaces of services that are outside a Mesh that was there before. */
async function membershipFaults(
  reader: ObjectReader,
  settings: KubernetesPlatformSettings,
  mesh: string,
  object: unknown,
): Promise<readonly string[]> {
  const { namespace } = settings;
  const selector = meshSchema.parse(object).spec.namespaceSelector;
  const services = serviceNamespacesOf(settings);
  const names = services === "all" ? [namespace.name] : services;
  const faults = await Promise.all(
    names.map(async (name) => {
      const found = await reader.lookUp({ apiVersion: "v1", kind: "Namespace", name });
      const isMade = namespace.create && name === namespace.name;
      // one that is missing and that nobody makes has a fault of its own
      if (found.kind !== "found" && !isMade) return [];
      const labels = {
        ...(found.kind === "found" ? objectSchema.parse(found.object).metadata.labels : {}),
        ...(isMade ? { ...injectorLabel, ...namespace.labels, [namespaceNameLabel]: name } : {}),
      };
      if (selectsLabels(selector, labels)) return [];
      const where = isMade ? "add such labels to namespace.labels" : "label the namespace so";
      return [
        `namespace "${name}" is not in Mesh ${mesh}, whose namespaceSelector is ${JSON.stringify(selector)}: ${where}, or ` +
          "name another mesh",
      ];
    }),
  );
  return faults.flat();
}

async function prometheusFaults(
  reader: ObjectReader,
  { settings, owner }: PlatformPreflightArgs,
): Promise<readonly string[]> {
  const { prometheus, namespace } = settings;
  if ("address" in prometheus) return [];
  if ("service" in prometheus) return serviceFaults(reader, prometheus.service);
  const kinds = [
    ["v1", "ServiceAccount"],
    ["v1", "Service"],
    ["apps/v1", "Deployment"],
  ] as const;
  const name = prometheusName;
  const faults = await Promise.all(
    kinds.map(async ([apiVersion, kind]) => {
      const place = { namespace: namespace.name, name };
      const found = await reader.lookUp({ apiVersion, kind, ...place });
      const use = `a namespace has room for one Prometheus of upramp: use that one with prometheus.service`;
      return takenFaults(found, owner, `${kind} ${namespace.name}/${name}`, use);
    }),
  );
  return faults.flat();
}

const serviceSchema = z.object({
  spec: z.object({ ports: z.array(z.object({ port: z.number() })).default([]) }),
});

async function serviceFaults(
  reader: ObjectReader,
  service: { readonly namespace: string; readonly service: string; readonly port: number },
): Promise<readonly string[]> {
  const { namespace, service: name, port } = service;
  const found = await reader.lookUp({ apiVersion: "v1", kind: "Service", namespace, name });
  if (found.kind !== "found") {
    return [
      `Service ${namespace}/${name} does not exist: correct prometheus.service, or let this stack make one with ` +
        "`prometheus: {deploy: {}}`",
    ];
  }
  const known = serviceSchema.parse(found.object).spec.ports.map((one) => one.port);
  if (known.includes(port)) return [];
  return [
    `prometheus.service.port = ${port}: Service ${namespace}/${name} has only ${known.join(", ")}`,
  ];
}

/** An object of a name that this stack needs, which it did not make. */
function takenFaults(found: Lookup, owner: string, what: string, use: string): readonly string[] {
  if (found.kind !== "found") return [];
  const { annotations } = objectSchema.parse(found.object).metadata;
  if (annotations[ownerAnnotation] === owner) return [];
  return [
    `${what} is there already and this stack did not make it: ${use}, or delete or rename it`,
  ];
}
