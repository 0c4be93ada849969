import assert from "node:assert/strict";
import { readConfig } from "../../infra/config.ts";
import type { StackConfig } from "../../infra/config.ts";
import { ContractError } from "../../infra/contract.ts";
import type { Drive } from "../../infra/contract.ts";

type Values = Readonly<Record<string, unknown>>;

/** As the engine hands it over: objects as JSON. */
function read(
  values: Values,
  environment: Readonly<Record<string, string>> = {},
  isSecret: (key: string) => boolean = () => false,
): StackConfig {
  const texts = Object.entries(values).map(([key, value]): [string, string] => [
    `upramp:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return readConfig({
    values: Object.fromEntries([...texts, ["aws:region", "eu-central-1"]]),
    isSecret,
    environment,
    directory: ".",
  });
}

const service = {
  kind: "service",
  platform: "dev",
  service: { name: "podinfo", revision: "VERSION=1 node server.ts" },
};

const drive: Drive = {
  assignment: {
    primary: "blue",
    slots: {
      blue: { id: "a", name: "1", content: {} },
      green: { id: "b", name: "2", content: {} },
    },
    weights: { blue: 80, green: 20 },
  },
  failed: null,
};

function refuses(values: Values, expected: RegExp): void {
  assert.throws(
    () => read(values),
    (error) => error instanceof ContractError && expected.test(error.message),
  );
}

describe("the configuration of a stack", () => {
  it("fills in every default of a platform", () => {
    assert.deepEqual(read({ kind: "platform" }), {
      kind: "platform",
      target: "local",
      platform: { envoy: {}, prometheus: { scrapeInterval: 1_000 } },
    });
  });

  it("fills in every default of a service", () => {
    const config = read(service);
    if (config.kind !== "service" || config.target !== "local") assert.fail(config.kind);
    assert.deepEqual(config.service, {
      name: "podinfo",
      replicas: 1,
      readiness: { path: "/readyz", timeout: 30_000 },
      stopGrace: 5_000,
    });
    assert.equal(config.revision.name, "1");
    assert.equal(config.rollout.intervalMs, 10_000);
    assert.equal(config.drive, null);
  });

  for (const [what, values, expected] of [
    ["no kind", {}, /upramp:kind is not set: set it to platform or service or pipeline/],
    ["another kind", { kind: "mesh" }, /upramp:kind = "mesh"/],
    [
      "an unknown key",
      { ...service, sevice: {} },
      /upramp:sevice is not known.*Allowed: upramp:kind/s,
    ],
    ["a weight", { ...service, canaryWeight: "20" }, /weights are moved by `upramp run` only/],
    ["a service on a platform", { kind: "platform", service: {} }, /upramp:service is not known/],
    ["no platform", { ...service, platform: "" }, /upramp:platform of a service stack/],
    [
      "a platform object in a service",
      { ...service, platform: {} },
      /upramp:platform of a service/,
    ],
    ["no revision", { ...service, service: { name: "podinfo" } }, /revision is not set/],
    ["a bad name", { ...service, service: { ...service.service, name: "Pod" } }, /name = "Pod"/],
    ["an unknown part", { ...service, service: { ...service.service, prot: 1 } }, /prot/],
    [
      "a port too high",
      { ...service, service: { ...service.service, port: 65_536 } },
      /port = 65536/,
    ],
    ["no replicas", { ...service, service: { ...service.service, replicas: 0 } }, /replicas = 0/],
    ["text for an object", { ...service, rollout: "fast" }, /upramp:rollout = "fast"/],
    [
      "a weight of 101",
      { ...service, rollout: { steps: [101] } },
      /upramp:rollout\.steps\[0\].*101/,
    ],
    ["falling steps", { ...service, rollout: { steps: [20, 10] } }, /rising/],
    [
      "a metric without a range",
      { ...service, rollout: { metrics: [{ name: "m", range: {} }] } },
      /without a range no value can fail/,
    ],
    [
      "a scrape interval of nothing",
      { kind: "platform", platform: { prometheus: { scrapeInterval: "1ms" } } },
      /scrapeInterval/,
    ],
  ] as const) {
    it(`refuses ${what} and says where and what to do`, () => {
      refuses(values, expected);
    });
  }

  it("refuses a secret, which would end up in the outputs", () => {
    const isSecret = (key: string): boolean => key === "upramp:service";
    assert.throws(() => read(service, {}, isSecret), /upramp:service holds a secret/);
  });

  it("refuses a drive that the driver did not set", () => {
    refuses({ ...service, drive }, /only upramp may set it.*pulumi config rm upramp:drive/);
  });

  it("takes a drive from the driver", () => {
    const config = read({ ...service, drive }, { UPRAMP_DRIVER: "1" });
    if (config.kind !== "service" || config.target !== "local") assert.fail(config.kind);
    assert.deepEqual(config.drive, drive);
  });

  it("refuses a drive that is not a whole assignment", () => {
    const weights = { blue: 80, green: 10 };
    const broken = { ...drive, assignment: { ...drive.assignment, weights } };
    assert.throws(
      () => read({ ...service, drive: broken }, { UPRAMP_DRIVER: "1" }),
      /upramp:drive\.assignment\.weights.*add up to 100/,
    );
  });
});
