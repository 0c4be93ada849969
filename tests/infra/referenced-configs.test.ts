import assert from "node:assert/strict";
import fc from "fast-check";
import { ContractError, revisionId } from "../../infra/contract.ts";
import type { PodTemplate } from "../../infra/kubernetes-contract.ts";
import {
  configReferences,
  hashConfigs,
  type ConfigData,
  type ConfigReference,
} from "../../infra/service/referenced-configs.ts";

const image = "app:1";

function pod(container: object, more: object = {}): PodTemplate {
  return { spec: { containers: [{ name: "main", image, ...container }], ...more } };
}

/** `Kind/name`, with a question mark when pods start without it. */
function found(template: PodTemplate): readonly string[] {
  return configReferences(template).map(
    ({ kind, name, isOptional }) => `${kind}/${name}${isOptional ? "?" : ""}`,
  );
}

const everyPlace = pod(
  {
    env: [
      { name: "A", value: "1" },
      { name: "B", valueFrom: { configMapKeyRef: { name: "map-key", key: "b" } } },
      { name: "C", valueFrom: { secretKeyRef: { name: "secret-key", key: "c", optional: true } } },
      { name: "D", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ],
    envFrom: [
      { configMapRef: { name: "map-env" } },
      { prefix: "S_", secretRef: { name: "secret-env" } },
    ],
  },
  {
    initContainers: [
      { name: "init", image, envFrom: [{ secretRef: { name: "init-secret", optional: true } }] },
    ],
    volumes: [
      { name: "a", configMap: { name: "map-volume", items: [{ key: "k", path: "p" }] } },
      { name: "b", secret: { secretName: "secret-volume" } },
      {
        name: "c",
        projected: {
          sources: [
            { configMap: { name: "map-projected", optional: true } },
            { secret: { name: "secret-projected" } },
            { serviceAccountToken: { path: "token" } },
            { downwardAPI: { items: [] } },
          ],
        },
      },
      { name: "d", emptyDir: {} },
    ],
  },
);

describe("the ConfigMaps and Secrets of a pod", () => {
  it("are found wherever their content reaches a process", () => {
    assert.deepEqual(found(everyPlace), [
      "ConfigMap/map-env",
      "ConfigMap/map-key",
      "ConfigMap/map-projected?",
      "ConfigMap/map-volume",
      "Secret/init-secret?",
      "Secret/secret-env",
      "Secret/secret-key?",
      "Secret/secret-projected",
      "Secret/secret-volume",
    ]);
  });

  it("do not count where only the node uses them", () => {
    const template = pod(
      {},
      {
        imagePullSecrets: [{ name: "registry" }],
        volumes: [
          { name: "a", csi: { driver: "d", nodePublishSecretRef: { name: "store" } } },
          { name: "b", flexVolume: { driver: "d", secretRef: { name: "flex" } } },
          { name: "c", azureFile: { secretName: "azure", shareName: "s" } },
          { name: "d", ephemeral: { volumeClaimTemplate: { spec: { accessModes: [] } } } },
        ],
      },
    );
    assert.deepEqual(found(template), []);
  });

  it("are not seen in fields of the user's own that only look alike", () => {
    const template = {
      metadata: { annotations: { secret: "x" } },
      ...pod({ resources: { limits: { secret: { secretName: "no" } } } }),
    };
    assert.deepEqual(found(template), []);
  });

  it("are needed as soon as one use needs them", () => {
    const use = (optional?: boolean): object => ({
      configMapRef: { name: "both", ...(optional === undefined ? {} : { optional }) },
    });
    assert.deepEqual(found(pod({ envFrom: [use(true), use(true)] })), ["ConfigMap/both?"]);
    assert.deepEqual(found(pod({ envFrom: [use(true), use()] })), ["ConfigMap/both"]);
    assert.deepEqual(found(pod({ envFrom: [use(false), use(true)] })), ["ConfigMap/both"]);
  });

  it("may be written as null or without a name, as Kubernetes has it", () => {
    const template = pod(
      { env: null, envFrom: [{ configMapRef: { name: "" } }] },
      { volumes: null },
    );
    assert.deepEqual(found(template), []);
  });

  for (const [what, container, place] of [
    [
      "a list that is none",
      { envFrom: { configMapRef: { name: "a" } } },
      /spec\.containers\[0\]\.envFrom: /,
    ],
    [
      "a name that is none",
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: 7 } } }] },
      /spec\.containers\[0\]\.env\[0\]\.valueFrom\.secretKeyRef\.name = 7: /,
    ],
  ] as const) {
    it(`refuse ${what}, with the place`, () => {
      assert.throws(
        () => configReferences(pod(container)),
        (error) => error instanceof ContractError && place.test(error.message),
      );
    });
  }
});

const map: ConfigReference = { kind: "ConfigMap", name: "settings", isOptional: false };
const secret: ConfigReference = { kind: "Secret", name: "settings", isOptional: false };

async function hashOf(
  reference: ConfigReference,
  data: ConfigData,
  namespace = "shop",
): Promise<string | undefined> {
  const hashes = await hashConfigs([reference], async () => data, namespace);
  return hashes[`${reference.kind}/${reference.name}`];
}

describe("the hash of a ConfigMap's or Secret's content", () => {
  const data = { data: { mode: "fast" }, binaryData: {} };

  // checked in: another value here means that every service with such a configuration rolls out anew
  it("stays what it is from release to release", async () => {
    assert.equal(await hashOf(map, data), "57f48413a6");
    assert.equal(await hashOf(secret, data), "c6489a6db3");
  });

  it("is that of the data, whatever the order of its keys", async () => {
    const keys = fc.dictionary(fc.string(), fc.string(), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(keys, async (values) => {
        const turned = Object.fromEntries(Object.entries(values).toReversed());
        assert.equal(
          await hashOf(map, { data: values, binaryData: {} }),
          await hashOf(map, { binaryData: {}, data: turned }),
        );
      }),
    );
  });

  it("changes with each value", async () => {
    const before = await hashOf(map, data);
    assert.notEqual(await hashOf(map, { ...data, data: { mode: "slow" } }), before);
    assert.notEqual(await hashOf(map, { ...data, data: { mode: "fast", more: "" } }), before);
    assert.notEqual(await hashOf(map, { ...data, binaryData: { mode: "ZmFzdA==" } }), before);
    const hidden = await hashOf(secret, data);
    assert.notEqual(await hashOf(secret, { ...data, data: { mode: "slow" } }), hidden);
  });

  it("of a Secret is no plain one, and differs from place to place", async () => {
    const hidden = await hashOf(secret, data);
    assert.match(hidden ?? "", /^[0-9a-f]{10}$/);
    assert.notEqual(hidden, revisionId(data));
    assert.notEqual(hidden, await hashOf(secret, data, "other"));
    assert.notEqual(hidden, await hashOf({ ...secret, name: "others" }, data));
  });

  it("never shows what is in it", async () => {
    const value = "correct horse battery staple";
    const hashes = await hashConfigs(
      [map, secret],
      async () => ({ data: { password: Buffer.from(value).toString("base64") }, binaryData: {} }),
      "shop",
    );
    assert.deepEqual(Object.keys(hashes), ["ConfigMap/settings", "Secret/settings"]);
    for (const hash of Object.values(hashes)) assert.match(hash, /^[0-9a-f]{10}$/);
  });

  it("is absent for one that may be missing and is", async () => {
    assert.equal(await hashOf({ ...map, isOptional: true }, null), "absent");
  });

  it("is refused for one that is needed and missing, with what to do", async () => {
    await assert.rejects(
      hashOf(secret, null),
      (error) =>
        error instanceof ContractError &&
        error.message ===
          "Secret shop/settings, which the pod template names, does not exist: create it first, or mark its use as optional",
    );
  });
});
