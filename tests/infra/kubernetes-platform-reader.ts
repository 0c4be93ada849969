import type { Lookup, ObjectName } from "../../infra/service/cluster-reader.ts";
import type { ObjectReader } from "../../infra/platform/preflight-objects.ts";

/** An object of a fake cluster: `Kind namespace/name` or `Kind name`, and what it holds beside that. */
export type FakeObject = string | readonly [key: string, content: object];

/** A cluster that serves every kind and holds a GatewayClass `contour`. */
export class FakeReader implements ObjectReader {
  /** Annotations of an object that stack `dev` made. */
  static readonly own = { "upramp.dev/stack": "organization/upramp/dev" };

  readonly #objects = new Map<string, object>([
    ["GatewayClass contour", { spec: { controllerName: "projectcontour.io/gateway-controller" } }],
  ]);
  readonly #unserved = new Set<string>();

  constructor(...objects: readonly FakeObject[]) {
    for (const object of objects) {
      const [key, content] = typeof object === "string" ? [object, {}] : object;
      this.#objects.set(key, content);
    }
  }

  /** Takes an object away. */
  without(key: string): this {
    this.#objects.delete(key);
    return this;
  }

  /** Takes the definitions of kinds away. */
  withoutKinds(...kinds: readonly string[]): this {
    for (const kind of kinds) this.#unserved.add(kind);
    return this;
  }

  lookUp({ kind, namespace, name }: ObjectName): Promise<Lookup> {
    if (this.#unserved.has(kind)) return Promise.resolve({ kind: "unserved" });
    const object = this.#objects.get(
      `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
    );
    if (object === undefined) return Promise.resolve({ kind: "none" });
    return Promise.resolve({ kind: "found", object: { metadata: {}, ...object } });
  }
}
