import type { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { apiRequest } from "../api-request.ts";
import type { Neighbors } from "./admission.ts";
import { kinds, type MeshObject } from "./objects.ts";

const groupVersion = "appmesh.k8s.aws/v1beta2";

const namespaceSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
});

const rawListSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())) });

/** Calls about App Mesh's objects. */
export class ApiClient {
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** What the webhooks need to know to place a new object of a namespace; nothing for a Mesh. */
  async neighborsOf(namespace: string): Promise<Neighbors> {
    if (namespace === "") return { namespace: { name: "", labels: {} }, meshes: [], gateways: [] };
    const [found, meshes, gateways] = await Promise.all([
      apiRequest(this.#config, "GET", `/api/v1/namespaces/${namespace}`),
      this.#list("Mesh"),
      this.#list("VirtualGateway"),
    ]);
    const { labels } = namespaceSchema.parse(JSON.parse(found)).metadata;
    return {
      namespace: { name: namespace, labels },
      meshes: meshes.map((raw) => kinds.Mesh.schema.parse(raw)),
      gateways: gateways.map((raw) => kinds.VirtualGateway.schema.parse(raw)),
    };
  }

  /** Whether the webhooks are in force: a Mesh that is only tried out gets its default name. */
  async areWebhooksInForce(): Promise<boolean> {
    const mesh = { apiVersion: groupVersion, kind: "Mesh", metadata: { name: "probe" }, spec: {} };
    const tried = await apiRequest(
      this.#config,
      "POST",
      `/apis/${groupVersion}/meshes?dryRun=All`,
      { contentType: "application/json", text: JSON.stringify(mesh) },
    );
    return kinds.Mesh.schema.parse(JSON.parse(tried)).spec.awsName !== undefined;
  }

  /** Merges into the status. */
  async patchStatus(object: MeshObject, status: object): Promise<void> {
    const { uid } = object.metadata;
    await this.#merge(`${pathOf(object)}/status`, { metadata: { uid }, status });
  }

  /** Replaces the finalizers, unless the object has changed since it was read. */
  async patchFinalizers(object: MeshObject, finalizers: readonly string[]): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    await this.#merge(pathOf(object), { metadata: { uid, resourceVersion, finalizers } });
  }

  async #merge(path: string, body: object): Promise<void> {
    await apiRequest(this.#config, "PATCH", path, {
      contentType: "application/merge-patch+json",
      text: JSON.stringify(body),
    });
  }

  /** Items of a list have no kind of their own. */
  async #list(kind: "Mesh" | "VirtualGateway"): Promise<object[]> {
    const path = `/apis/${groupVersion}/${kinds[kind].plural}`;
    const list = rawListSchema.parse(JSON.parse(await apiRequest(this.#config, "GET", path)));
    return list.items.map((item) => ({ ...item, kind }));
  }
}

function pathOf({ kind, metadata }: MeshObject): string {
  const { namespace, name } = metadata;
  const place = namespace === "" ? "" : `/namespaces/${namespace}`;
  return `/apis/${groupVersion}${place}/${kinds[kind].plural}/${name}`;
}
