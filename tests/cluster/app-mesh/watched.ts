import { setTimeout as sleep } from "node:timers/promises";
import {
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  makeInformer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
} from "@kubernetes/client-node";
import { podSchema, serviceSchema, sliceSchema, type Network } from "./endpoints.ts";
import { kinds } from "./objects.ts";
import type { Objects } from "./references.ts";
import { waitUntil } from "../wait-until.ts";

const group = { group: "appmesh.k8s.aws", version: "v1beta2" } as const;

/** How long a broken watch waits before it starts again, in ms. */
const rewatchMs = 200;

/** For an API server that is just being started. */
const listBoundMs = 30_000;

/** Everything the stand-in reads, kept current by watches. */
export class Watched {
  readonly #config: KubeConfig;
  readonly #onChange: () => void;
  readonly #ending = new AbortController();
  readonly #lists = new Map<string, () => readonly KubernetesObject[]>();
  readonly #stops: (() => Promise<void>)[] = [];

  /** @param onChange called after every change; it must not throw */
  constructor(config: KubeConfig, onChange: () => void) {
    this.#config = config;
    this.#onChange = onChange;
  }

  /** Resolves when everything has been read once. */
  async start(): Promise<void> {
    const core = this.#config.makeApiClient(CoreV1Api);
    const discovery = this.#config.makeApiClient(DiscoveryV1Api);
    const objects = this.#config.makeApiClient(CustomObjectsApi);
    const ofGroup = Object.values(kinds).map(({ plural }) =>
      this.#watch(plural, `/apis/${group.group}/${group.version}/${plural}`, async () => {
        const list: unknown = await objects.listClusterCustomObject({ ...group, plural });
        // The list of any kind has the shape that informers need.
        return list as KubernetesListObject<KubernetesObject>;
      }),
    );
    await Promise.all([
      ...ofGroup,
      this.#watch("services", "/api/v1/services", () => core.listServiceForAllNamespaces()),
      this.#watch("pods", "/api/v1/pods", () => core.listPodForAllNamespaces()),
      this.#watch("endpointslices", "/apis/discovery.k8s.io/v1/endpointslices", () =>
        discovery.listEndpointSliceForAllNamespaces(),
      ),
    ]);
  }

  /** App Mesh's objects as of now. */
  objects(): Objects {
    return {
      Mesh: this.#all("Mesh", (raw) => kinds.Mesh.schema.parse(raw)),
      VirtualGateway: this.#all("VirtualGateway", (raw) => kinds.VirtualGateway.schema.parse(raw)),
      VirtualNode: this.#all("VirtualNode", (raw) => kinds.VirtualNode.schema.parse(raw)),
      VirtualRouter: this.#all("VirtualRouter", (raw) => kinds.VirtualRouter.schema.parse(raw)),
      VirtualService: this.#all("VirtualService", (raw) => kinds.VirtualService.schema.parse(raw)),
      GatewayRoute: this.#all("GatewayRoute", (raw) => kinds.GatewayRoute.schema.parse(raw)),
    };
  }

  /** What host names lead to as of now. */
  network(): Network {
    return {
      services: this.#list("services").map((raw) => serviceSchema.parse(raw)),
      slices: this.#list("endpointslices").map((raw) => sliceSchema.parse(raw)),
      pods: this.#list("pods").map((raw) => podSchema.parse(raw)),
    };
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#stops.map((stop) => stop()));
  }

  /** Items of a list have no kind of their own. */
  #all<O>(kind: keyof typeof kinds, parse: (raw: object) => O): O[] {
    return this.#list(kinds[kind].plural).map((raw) => parse({ ...raw, kind }));
  }

  #list(name: string): readonly KubernetesObject[] {
    return this.#lists.get(name)?.() ?? [];
  }

  async #watch(
    name: string,
    path: string,
    list: () => Promise<KubernetesListObject<KubernetesObject>>,
  ): Promise<void> {
    let isListed = false;
    const informer = makeInformer(this.#config, path, async () => {
      const objects = await list();
      isListed = true;
      return objects;
    });
    for (const event of ["add", "update", "delete"] as const) informer.on(event, this.#onChange);
    informer.on("error", () => void this.#again(() => informer.start()));
    this.#lists.set(name, () => informer.list());
    this.#stops.push(() => informer.stop());
    // it resolves after a list that failed too, and half of the objects must not look like all
    await informer.start();
    await waitUntil(`${name} are listed`, listBoundMs, () => isListed);
  }

  /** Until it works: while the API server is away, starting fails too. */
  async #again(start: () => Promise<void>): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await sleep(rewatchMs);
      try {
        return await start();
      } catch {
        // The API server is still away.
      }
    }
  }
}
