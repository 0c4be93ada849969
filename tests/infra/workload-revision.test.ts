import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { ContractError } from "../../infra/contract.ts";
import type { PodTemplate } from "../../infra/kubernetes-contract.ts";
import {
  parseWorkload,
  revisionOf,
  withImage,
  workloadContent,
} from "../../infra/service/workload-revision.ts";

const place = "upramp:service.revision";

const noImage =
  "is no image; write it as `kubectl set image` takes it, such as ghcr.io/stefanprodan/podinfo:6.9.2";

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "upramp-workload-"));
});
after(() => rmSync(directory, { recursive: true }));

function templateOf(written: unknown): PodTemplate {
  return parseWorkload(written, place, directory).template;
}

function idOf(
  written: unknown,
  configs: Readonly<Record<string, string>> = {},
  ignore: readonly string[] = [],
): string {
  return revisionOf(parseWorkload(written, place, directory), configs, ignore).id;
}

function refuses(written: unknown, expected: string): void {
  assert.throws(
    () => parseWorkload(written, place, directory),
    (error) => {
      assert.ok(error instanceof ContractError);
      assert.equal(error.message.replaceAll(directory, "DIR"), expected);
      return true;
    },
  );
}

const podinfo = {
  image: "podinfo:6.9.2",
  command: ["./podinfo"],
  args: ["--level", "info"],
  env: { A: 1, B: "two" },
  port: 9898,
  readiness: "/readyz",
  configMaps: ["settings"],
  secrets: ["password"],
};

const twoContainers = {
  metadata: { labels: { team: "a" } },
  spec: {
    serviceAccountName: "robot",
    containers: [
      { name: "a", image: "a:1" },
      { name: "b", image: "b:1" },
    ],
  },
};

describe("a workload in the short form", () => {
  it("is a pod of one container with requests and without a token", () => {
    assert.deepEqual(templateOf({ image: "podinfo:6.9.2" }), {
      spec: {
        containers: [
          {
            name: "main",
            image: "podinfo:6.9.2",
            resources: { requests: { cpu: "100m", memory: "64Mi" } },
          },
        ],
        automountServiceAccountToken: false,
      },
    });
  });

  it("has all that is written", () => {
    const resources = { limits: { cpu: "1" } };
    const livenessProbe = { tcpSocket: { port: 9898 } };
    const more = { serviceAccount: "robot", resources, livenessProbe };
    assert.deepEqual(templateOf({ ...podinfo, ...more }), {
      spec: {
        containers: [
          {
            name: "main",
            image: "podinfo:6.9.2",
            command: ["./podinfo"],
            args: ["--level", "info"],
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "two" },
            ],
            envFrom: [{ configMapRef: { name: "settings" } }, { secretRef: { name: "password" } }],
            ports: [{ name: "http", containerPort: 9898 }],
            readinessProbe: { httpGet: { path: "/readyz", port: 9898 }, periodSeconds: 2 },
            livenessProbe,
            resources,
          },
        ],
        serviceAccountName: "robot",
      },
    });
  });

  it("takes numbers and booleans of YAML as text", () => {
    const { spec } = templateOf({
      image: "a",
      args: ["--port", 80],
      env: { RATE: 0.5, FAST: true },
    });
    assert.deepEqual(spec.containers[0]?.["args"], ["--port", "80"]);
    assert.deepEqual(spec.containers[0]?.["env"], [
      { name: "FAST", value: "true" },
      { name: "RATE", value: "0.5" },
    ]);
  });

  it("keeps variables that name others behind them, in the order written", () => {
    const env = { URL: "http://$(HOST):$(PORT)", PORT: "80", ALSO: "$(URL)/x", HOST: "a" } as const;
    assert.deepEqual(
      templateOf({ image: "a", env }).spec.containers[0]?.["env"],
      (["HOST", "PORT", "URL", "ALSO"] as const).map((name) => ({ name, value: env[name] })),
    );
  });
});

describe("a workload as a template", () => {
  it("is taken as written, with fields that only Kubernetes knows", () => {
    const template = {
      ...twoContainers,
      spec: { ...twoContainers.spec, priorityClassName: "high" },
    };
    assert.deepEqual(templateOf({ template }), template);
  });
});

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 3
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {team: a}}
    spec:
      serviceAccountName: robot
      containers:
        - {name: a, image: "a:1"}
        - {name: b, image: "b:1"}
`;
const service = "apiVersion: v1\nkind: Service\nmetadata: {name: app}\n";

describe("a workload in a manifest", () => {
  function written(name: string, text: string): { readonly manifest: string } {
    writeFileSync(join(directory, name), text);
    return { manifest: name };
  }

  for (const [what, text] of [
    ["a Deployment", deployment],
    ["a DaemonSet", deployment.replace("Deployment", "DaemonSet")],
    ["one of several documents", `${service}---${deployment}---\n# nothing\n---\n${service}`],
    [
      "an item of a List",
      `kind: List\napiVersion: v1\nitems:\n  - {kind: Service, apiVersion: v1}\n  - ${deployment
        .trim()
        .replaceAll("\n", "\n    ")}\n`,
    ],
    ["JSON", JSON.stringify({ kind: "PodTemplate", template: twoContainers })],
    ["a PodTemplate", `kind: PodTemplate\ntemplate: ${JSON.stringify(twoContainers)}\n`],
  ] as const) {
    it(`is the pod template of ${what}`, () => {
      assert.deepEqual(templateOf(written("app.yaml", text)), twoContainers);
    });
  }

  it("may have another image, and nothing else changes", () => {
    const { spec } = templateOf({ ...written("app.yaml", deployment), image: "a:2" });
    assert.deepEqual(
      spec.containers.map(({ image }) => image),
      ["a:2", "b:1"],
    );
    assert.equal(spec["serviceAccountName"], "robot");
  });

  it("is read as kubectl reads it: octal modes and merge keys", () => {
    const text =
      "kind: PodTemplate\nx: &base {image: a:1}\ntemplate:\n  spec:\n" +
      "    containers:\n      - {<<: *base, name: a}\n" +
      "    volumes:\n      - {name: v, configMap: {name: c, defaultMode: 0644}}\n";
    const { spec } = templateOf(written("old.yaml", text));
    assert.deepEqual(spec.containers, [{ image: "a:1", name: "a" }]);
    assert.deepEqual(spec["volumes"], [{ name: "v", configMap: { name: "c", defaultMode: 420 } }]);
  });

  it("is the same revision as the template in it", () => {
    assert.equal(idOf(written("app.yaml", deployment)), idOf({ template: twoContainers }));
  });

  const where = `${place}.manifest = bad.yaml`;
  for (const [what, text, message] of [
    [
      "nothing in it",
      "",
      `${where}: has no Deployment, DaemonSet or PodTemplate (it is empty); name a file that has one`,
    ],
    [
      "other kinds in it",
      `${service}---\nkind: StatefulSet\n`,
      `${where}: has no Deployment, DaemonSet or PodTemplate (only Service, StatefulSet); name a file that has one`,
    ],
    [
      "two of them in it",
      `${deployment}---\nkind: DaemonSet\n`,
      `${where}: has Deployment app, DaemonSet without a name; put the one to roll out into a file of its own`,
    ],
    ["text in it", "hello", `${where} = "hello": is no Kubernetes object`],
    [
      "no pod in it",
      "kind: Deployment\nspec: {replicas: 1}\n",
      `${where}.spec.template: Invalid input: expected object, received undefined`,
    ],
    [
      "no image in it",
      "kind: PodTemplate\ntemplate: {spec: {containers: [{name: a}]}}\n",
      `${where}.template.spec.containers[0].image: Invalid input: expected string, received undefined`,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(written("bad.yaml", text), message));
  }

  it("is refused when it is no YAML, with the place in it", () => {
    assert.throws(
      () => templateOf(written("bad.yaml", "kind: {a\nb: [")),
      (error) =>
        error instanceof ContractError &&
        error.message.startsWith(`${where}: is not YAML: `) &&
        /line 2/.test(error.message),
    );
  });

  it("is refused when there is no such file", () => {
    refuses(
      { manifest: "none.yaml" },
      `${place}.manifest = none.yaml: the file cannot be read (ENOENT: no such file or directory, ` +
        "open 'DIR/none.yaml'); correct its name",
    );
  });
});

describe("a workload that is none", () => {
  const unset =
    `${place} is not set: write the image to run, as {image: …}, a pod template, as {template: …}, ` +
    "or the file that has one, as {manifest: …}";
  const fields =
    "name, image, command, args, env, port, readiness, livenessProbe, resources, serviceAccount, configMaps, secrets";
  const example = '{image: "ghcr.io/stefanprodan/podinfo:6.9.2", port: 9898}';
  for (const [written, message] of [
    [undefined, unset],
    [null, unset],
    ["podinfo:1", `${place} = "podinfo:1": is no object; write one such as ${example}`],
    [[], `${place} = []: is no object; write one such as ${example}`],
    [
      { command: ["a"] },
      `${place} has neither image nor template nor manifest: it needs one of them to say what runs`,
    ],
    [{ image: "" }, `${place}.image = "": ${noImage}`],
    [{ image: "a b:1" }, `${place}.image = "a b:1": ${noImage}`],
    [{ manifest: "a.yaml", image: "a:" }, `${place}.image = "a:": ${noImage}`],
    [{ image: 1.5 }, `${place}.image = 1.5: Invalid input: expected string, received number`],
    [{ image: "a", prot: 80 }, `${place}: prot is not known here; there are ${fields}`],
    [{ image: "a", port: 0 }, `${place}.port = 0: Too small: expected number to be >=1`],
    [
      { image: "a", port: "80" },
      `${place}.port = "80": Invalid input: expected number, received string`,
    ],
    [
      { image: "a", readiness: "/" },
      `${place}.readiness = "/": needs port: the one that it asks at`,
    ],
    [
      { image: "a", readiness: "x", port: 80 },
      `${place}.readiness = "x": Invalid string: must start with "/"`,
    ],
    [
      { image: "a", command: "sh" },
      `${place}.command = "sh": Invalid input: expected array, received string`,
    ],
    [{ image: "a", args: [null] }, `${place}.args[0]: is not a text, a number, true or false`],
    [{ image: "a", env: { A: [1] } }, `${place}.env.A: is not a text, a number, true or false`],
    [
      { image: "a", env: { "A B": "1" } },
      `${place}.env.A B = "1": is not a variable name: use letters, digits, _, - and ., no digit first`,
    ],
    [
      { template: twoContainers, image: "a" },
      `${place}: image is not known here; there are name, template`,
    ],
    [
      { manifest: "a.yaml", port: 80 },
      `${place}: port is not known here; there are name, manifest, image`,
    ],
    [
      { template: { spec: { containers: [] } } },
      `${place}.template.spec.containers: Too small: expected array to have >=1 items`,
    ],
    [
      { template: { metadata: { labels: { a: 1 } }, spec: twoContainers.spec } },
      `${place}.template.metadata.labels.a = 1: Invalid input: expected string, received number`,
    ],
  ] as const) {
    it(`is refused: ${JSON.stringify(written)}`, () => refuses(written, message));
  }

  it("has all its faults named at once", () => {
    refuses(
      { image: "", port: 0 },
      `${place}.image = "": ${noImage}\n` +
        `${place}.port = 0: Too small: expected number to be >=1`,
    );
  });
});

describe("the revision of a workload", () => {
  // checked in: another value here means that every service rolls out anew at the next update of upramp. They are the
  // first ten hex digits of the SHA-256 of {"configs":…,"template":…} as JSON with sorted keys, made by another program.
  it("stays what it is from release to release", () => {
    assert.equal(idOf({ image: "podinfo:6.9.2" }), "62f3925f2e");
    const configs = { "ConfigMap/settings": "57f48413a6", "Secret/password": "0123456789" };
    assert.equal(idOf(podinfo, configs), "77114388ef");
    assert.equal(idOf({ template: twoContainers }), "55e203ec77");
  });

  for (const [what, written] of [
    ["image", { ...podinfo, image: "podinfo:6.9.3" }],
    ["command", { ...podinfo, command: ["./other"] }],
    ["args", { ...podinfo, args: ["--level", "debug"] }],
    ["order of args", { ...podinfo, args: ["info", "--level"] }],
    ["port", { ...podinfo, port: 9899 }],
    ["env", { ...podinfo, env: { A: 1, B: "three" } }],
    ["readiness", { ...podinfo, readiness: "/healthz" }],
    ["resources", { ...podinfo, resources: {} }],
    ["ConfigMap's name", { ...podinfo, configMaps: ["other"] }],
  ] as const) {
    it(`is another one with another ${what}`, () => assert.notEqual(idOf(written), idOf(podinfo)));
  }

  it("is another one with other content of a ConfigMap or Secret", () => {
    const before = idOf(podinfo, { "ConfigMap/a": "1", "Secret/b": "2" });
    assert.notEqual(idOf(podinfo, { "ConfigMap/a": "2", "Secret/b": "2" }), before);
    assert.notEqual(idOf(podinfo, { "ConfigMap/a": "1", "Secret/b": "absent" }), before);
    assert.equal(idOf(podinfo, { "Secret/b": "2", "ConfigMap/a": "1" }), before);
  });

  it("does not depend on its name", () => {
    assert.equal(idOf({ ...podinfo, name: "summer" }), idOf(podinfo));
  });

  it("does not depend on the order of keys, at any depth", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (more) => {
        const template = { spec: { ...more, containers: [{ name: "a", image: "a:1" }] } };
        assert.equal(idOf({ template: turned(template) }), idOf({ template }));
      }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[A-Z_]{1,5}$/), fc.stringMatching(/^\w*$/)),
        (env) => {
          assert.equal(idOf({ image: "a", env: turned(env) }), idOf({ image: "a", env }));
        },
      ),
    );
  });

  it("does not depend on what is ignored, and on all else", () => {
    const ignore = [
      "spec.containers[*].resources",
      'metadata.annotations["example.com/note"]',
      "spec.containers[1]",
    ];
    const template = (cpu: string, note: string, more: object[] = [], image = "a:1"): unknown => ({
      template: {
        metadata: { annotations: { "example.com/note": note, other: "x" } },
        spec: { containers: [{ name: "a", image, resources: { limits: { cpu } } }, ...more] },
      },
    });
    const plain = idOf(template("1", "x"), {}, ignore);
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.boolean(), (cpu, note, hasSidecar) => {
        const more = hasSidecar ? [{ name: "proxy", image: `proxy:${note}` }] : [];
        assert.equal(idOf(template(cpu, note, more), {}, ignore), plain);
      }),
    );
    assert.notEqual(idOf(template("1", "x", [], "a:2"), {}, ignore), plain);
    assert.notEqual(idOf(template("1", "x"), {}, []), idOf(template("2", "x"), {}, []));
  });

  it("does not depend on the content of what is ignored by name", () => {
    const ignore = ["ConfigMap/flags"];
    const configs = (flags: string): Record<string, string> => ({
      "ConfigMap/flags": flags,
      "ConfigMap/settings": "1",
    });
    assert.equal(idOf(podinfo, configs("1"), ignore), idOf(podinfo, configs("2"), ignore));
    assert.notEqual(
      idOf(podinfo, configs("1"), ignore),
      idOf(podinfo, { ...configs("1"), "ConfigMap/settings": "2" }, ignore),
    );
  });

  it("refuses to ignore what is no path", () => {
    assert.throws(
      () => idOf(podinfo, {}, ["spec..image"]),
      (error) =>
        error instanceof ContractError && error.message.includes('"spec..image" is no path'),
    );
  });

  it("holds the template as written, ignored fields too, and reads it back", () => {
    const ignore = ["spec.containers[0].image"];
    const workload = parseWorkload(podinfo, place, directory);
    const revision = revisionOf(workload, { "ConfigMap/settings": "1" }, ignore);
    assert.deepEqual(workloadContent(structuredClone(revision)), {
      rendering: 1,
      template: workload.template,
      configs: { "ConfigMap/settings": "1" },
      ignore,
    });
  });

  it("of another target is refused, with its name", () => {
    assert.throws(
      () => workloadContent({ id: "a", name: "summer", content: { command: "node" } }),
      (error) =>
        error instanceof ContractError && error.message.includes("content of revision summer"),
    );
  });

  for (const [image, name] of [
    ["podinfo:6.9.2", "6.9.2"],
    ["ghcr.io/stefanprodan/podinfo:6.9.2", "6.9.2"],
    ["localhost:5000/podinfo:v1", "v1"],
    ["podinfo:6.9.2@sha256:0123456789abcdef", "6.9.2"],
    ["podinfo", undefined],
    ["podinfo:latest", undefined],
    ["localhost:5000/podinfo", undefined],
    ["podinfo@sha256:0123456789abcdef", undefined],
  ] as const) {
    it(`is named by ${name === undefined ? "its id" : "the tag"} when the image is ${image}`, () => {
      const workload = parseWorkload({ image }, place, directory);
      const revision = revisionOf(workload, {}, []);
      assert.equal(revision.name, name ?? revision.id);
      assert.equal(revisionOf({ ...workload, name: "summer" }, {}, []).name, "summer");
    });
  }
});

describe("another image in a template", () => {
  it("changes the first container's image and nothing else", () => {
    const before = structuredClone(twoContainers);
    const changed = withImage(twoContainers, "a:2");
    assert.deepEqual(changed, {
      ...twoContainers,
      spec: {
        ...twoContainers.spec,
        containers: [{ name: "a", image: "a:2" }, twoContainers.spec.containers[1]],
      },
    });
    assert.deepEqual(twoContainers, before);
  });
});

/** The same with the keys of every object in the other order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]: [string, unknown]) => [key, turned(inner)]),
  );
}
