import { parseRevision } from "../../infra/contract.ts";
import { podinfo, serviceStack } from "../../rollout/cli/demo/project.ts";
import { Service } from "../../rollout/cli/service.ts";
import { LocalService } from "../end-to-end/local-service.ts";
import { revision, spec } from "../support/builders.ts";
import { FakeStack } from "../support/fake-stack.ts";
import { exiting, good, World } from "../support/world.ts";
import { stackContract, type StackUnderTest } from "./stack.contract.ts";

async function fakeStack(): Promise<StackUnderTest> {
  await Promise.resolve();
  const world = new World(1, {
    service: "podinfo",
    spec: spec(),
    primary: revision("v1"),
    behavior: ({ name }) => (name === "exits" ? exiting : good),
  });
  return {
    driver: new FakeStack(world),
    good: revision("v2"),
    exiting: revision("exits"),
    async close() {},
  };
}

/** The real engine, file backend, provider and processes. */
async function realStack(): Promise<StackUnderTest> {
  const local = await LocalService.deploy();
  const service = await Service.open({ cwd: local.directory, stack: serviceStack }, true);
  return {
    driver: service.stack,
    good: parseRevision(podinfo("v2"), "v2"),
    exiting: parseRevision("sh -c 'exit 3'", "exits"),
    async close() {
      service.close();
      await local.destroy();
    },
  };
}

describe("contract of StackDriver", () => {
  describe("FakeStack", () => stackContract(fakeStack));
  describe("PulumiStack on the real engine", () => stackContract(realStack));
});
