import { FakeTraffic } from "../support/fake-traffic.ts";
import { good, World } from "../support/world.ts";
import { revision, spec } from "../support/builders.ts";
import { realEnvoy } from "./real-envoy.ts";
import { trafficContract, type RouterUnderTest } from "./traffic.contract.ts";

async function fakeRouter(): Promise<RouterUnderTest> {
  await Promise.resolve();
  const options = {
    service: "podinfo",
    spec: spec(),
    primary: revision("v1"),
    behavior: () => good,
  };
  const world = new World(1, options);
  return {
    reader: new FakeTraffic(world),
    async split(weights) {
      await Promise.resolve();
      world.meddle(weights);
    },
    async ready(count) {
      await Promise.resolve();
      if (count === 1) world.weaken("blue", 1_000);
      else world.kill("blue", count === 0 ? null : 0);
    },
    async unreachable() {
      await Promise.resolve();
      world.routerUnreachable = true;
    },
    async close() {},
  };
}

describe("contract of TrafficReader", () => {
  describe("FakeTraffic", () => trafficContract(fakeRouter));
  describe("EnvoyTraffic on a real Envoy", () => trafficContract(realEnvoy));
});
