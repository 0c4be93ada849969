import assert from "node:assert/strict";
import { z } from "zod";
import { duration } from "../../infra/duration.ts";
import {
  kubernetesPlatformWritten,
  kubernetesServiceWritten,
} from "../../infra/kubernetes-contract.ts";
import { parseWorkload } from "../../infra/service/workload-revision.ts";
import { tableAfter, textOf } from "./markdown.ts";

const text = textOf("docs/kubernetes.md");

/** The parts of a JSON schema that say which fields there are. */
const nodeSchema = z.object({
  get properties() {
    return z.record(z.string(), nodeSchema).default({});
  },
  get anyOf() {
    return z.array(nodeSchema).default([]);
  },
  get oneOf() {
    return z.array(nodeSchema).default([]);
  },
  get items() {
    return nodeSchema.optional();
  },
  required: z.array(z.string()).default([]),
  /** False for an object whose fields are all named. */
  additionalProperties: z.unknown().optional(),
});
type Node = z.output<typeof nodeSchema>;

/** Paths of all fields, and whether each is required where the object around it is written. */
function fieldsOf(schema: z.ZodType): ReadonlyMap<string, boolean> {
  const json: unknown = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
  });
  const found = new Map<string, boolean>();
  const walk = (node: Node, path: string, isRequired: boolean): void => {
    const inner = [node, ...node.anyOf, ...node.oneOf].filter(
      (one) => one.additionalProperties === false && Object.keys(one.properties).length > 0,
    );
    if (inner.length === 0 && node.items !== undefined) {
      const before = found.size;
      walk(node.items, `${path}[]`, isRequired);
      if (found.size > before && !found.has(`${path}[]`)) return;
      found.delete(`${path}[]`);
    }
    if (inner.length === 0) found.set(path, isRequired);
    for (const { properties, required } of inner) {
      for (const [name, property] of Object.entries(properties)) {
        const isAlternative = inner.length > 1 && inner.some((one) => !(name in one.properties));
        const isKey = required.includes(name);
        walk(property, path === "" ? name : `${path}.${name}`, isKey && !isAlternative);
      }
    }
  };
  walk(nodeSchema.parse(json), "", true);
  return found;
}

function member(value: unknown, name: string): unknown {
  return Reflect.get(Object(value) as object, name);
}

/** Whether a cell says a default in such words: durations are milliseconds inside. */
function says(cell: string, value: unknown): boolean {
  const written = /^`(.*)`$/.exec(cell)?.[1];
  if (written === undefined) return false;
  if (typeof value === "string") return written === value;
  if (typeof value === "number" && duration.safeParse(written).data === value) return true;
  return written === JSON.stringify(value);
}

const services = [
  { name: "podinfo" },
  {
    name: "podinfo",
    autoscaling: { max: 2, cpuPercent: 80 },
    route: { retries: { attempts: 1 }, canaryMatch: [{ headers: { a: { exact: "b" } } }] },
  },
  { name: "podinfo", route: { canaryMatch: [{ cookies: { a: { exact: "b" } } }] } },
];

const kubernetes = { target: "kubernetes", namespace: { name: "shop" } };
const platforms = [
  {
    ...kubernetes,
    router: { kind: "gateway-api", profile: "contour", gateway: { name: "a", className: "b" } },
    prometheus: { deploy: {} },
  },
  {
    ...kubernetes,
    router: {
      kind: "app-mesh",
      mesh: "shop",
      allowDiscontinuedAppMesh: true,
      virtualGateway: { name: "ingress" },
    },
    prometheus: { address: "http://prometheus.example.com", operator: {}, dashboard: {} },
  },
];

for (const { key, schema, examples, otherwise } of [
  {
    key: "upramp:service",
    schema: kubernetesServiceWritten,
    examples: services,
    // a stack's file has another, and a revision has forms of its own, one of which is needed
    otherwise: ["target", "revision"],
  },
  {
    key: "upramp:platform",
    schema: kubernetesPlatformWritten,
    examples: platforms,
    // one that has to be changed, needed by one kind of router
    otherwise: [
      "router.allowDiscontinuedAppMesh",
      "router.profile",
      "router.mesh",
      "router.gateway.name",
    ],
  },
]) {
  describe(`the table of ${key} in docs/kubernetes.md`, () => {
    const [, ...rows] = tableAfter(text, `fields of ${key}`);
    const cells = new Map(
      rows.map(([field = "", , byDefault = ""]) => [field.replaceAll("`", ""), byDefault]),
    );
    const fields = fieldsOf(schema);

    it("has every field, and no other", () => {
      assert.deepEqual([...cells.keys()].toSorted(), [...fields.keys()].toSorted());
    });

    it("says which are required", () => {
      for (const [field, isRequired] of fields) {
        if (otherwise.includes(field)) continue;
        assert.equal(cells.get(field) === "required", isRequired, field);
      }
    });

    it("says the defaults", () => {
      const parsed = examples.map((example) => schema.parse(example) as unknown);
      let compared = 0;
      for (const field of fields.keys()) {
        if (otherwise.includes(field) || cells.get(field) === "required") continue;
        const steps = field.replaceAll("[]", ".0").split(".");
        for (const [index, example] of examples.entries()) {
          const isWritten = steps.reduce<unknown>(member, example) !== undefined;
          const value = steps.reduce<unknown>(member, parsed[index]);
          if (value === undefined || isWritten) continue;
          compared += 1;
          assert.ok(says(cells.get(field) ?? "", value), `${field}: ${JSON.stringify(value)}`);
        }
      }
      assert.ok(compared > 5, `only ${compared} defaults`);
    });
  });
}

describe("the table of revisions in docs/kubernetes.md", () => {
  const [, ...rows] = tableAfter(text, "fields of revision");

  for (const [form, written] of [
    ["one container", { image: "podinfo:1.0.0" }],
    ["a pod template", { template: {} }],
    ["a manifest", { manifest: "deployment.yaml" }],
  ] as const) {
    it(`has every field of ${form}`, () => {
      const start = rows.findIndex(([name]) => name === form);
      const more = rows.findIndex(([name], index) => index > start && name !== "");
      const documented = rows
        .slice(start, more === -1 ? rows.length : more)
        .map(([, field = ""]) => field.replaceAll("`", ""));
      // what the program itself says that there is
      assert.throws(
        () => parseWorkload({ ...written, nonsense: 1 }, "revision", "."),
        (error: Error) => {
          const [, list = ""] =
            /nonsense is not known here; there are (.+)$/m.exec(error.message) ?? [];
          assert.deepEqual(documented.toSorted(), list.split(", ").toSorted());
          return true;
        },
      );
    });
  }
});
