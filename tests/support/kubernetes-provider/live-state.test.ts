import assert from "node:assert/strict";
import { liveInputs, readCheckpoint, writeCheckpoint } from "./live-state.ts";

describe("the live object as inputs", () => {
  it("has the fields that the inputs name, as they are now", () => {
    const live = {
      spec: { replicas: 5, paused: true, template: { a: 1, defaulted: 2 } },
      status: {},
    };
    const inputs = { spec: { replicas: 3, template: { a: 1 } } };
    assert.deepEqual(liveInputs(live, inputs), { spec: { replicas: 5, template: { a: 1 } } });
  });

  it("lacks what is gone, unless it says nothing", () => {
    const inputs = { metadata: { labels: { a: "1" }, annotations: {} }, hostNetwork: false };
    assert.deepEqual(liveInputs({ metadata: { labels: {} } }, inputs), {
      metadata: { labels: {}, annotations: {} },
      hostNetwork: false,
    });
  });

  it("keeps the inputs' spelling of a quantity, and list items that were added", () => {
    const live = { containers: [{ limits: { memory: "1Gi" }, image: "a" }, { image: "sidecar" }] };
    const inputs = { containers: [{ limits: { memory: "1024Mi" } }] };
    assert.deepEqual(liveInputs(live, inputs), {
      containers: [{ limits: { memory: "1024Mi" } }, { image: "sidecar" }],
    });
  });

  it("reads a Secret's stringData back from data", () => {
    const data = { password: Buffer.from("changed").toString("base64") };
    const inputs = { kind: "Secret", stringData: { password: "open sesame" } };
    assert.deepEqual(liveInputs({ kind: "Secret", data }, inputs), {
      kind: "Secret",
      stringData: { password: "changed" },
    });
  });

  it("goes through a state and back", () => {
    const checkpoint = {
      live: { apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } },
      inputs: { apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } },
      fieldManager: "pulumi-kubernetes-0a1b2c3d",
    };
    assert.deepEqual(readCheckpoint(writeCheckpoint(checkpoint)), checkpoint);
  });
});
