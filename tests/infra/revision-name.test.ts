import assert from "node:assert/strict";
import type { Revision, ServiceOutputs } from "../../infra/contract.ts";
import { toldApart } from "../../infra/service/revision-name.ts";
import { revisionOf } from "../../infra/service/workload-revision.ts";
import { serviceOutputs } from "./service-outputs.ts";

function podinfo(tag: string, configs: Readonly<Record<string, string>>, more = {}): Revision {
  const containers = [{ name: "podinfo", image: `podinfo:${tag}`, ...more }];
  return revisionOf({ name: undefined, template: { spec: { containers } } }, configs, []);
}

function serving(primary: Revision, configured = primary): ServiceOutputs {
  const assignment = {
    primary: "blue",
    slots: { blue: primary, green: null },
    weights: { blue: 100, green: 0 },
  } as const;
  return serviceOutputs({ assignment, configured });
}

const settings = "ConfigMap/settings";
const first = podinfo("4.0.0", { [settings]: "1111111111", "Secret/keys": "aaaaaaaaaa" });

describe("the name of a revision", () => {
  it("is the image's tag where that tells it from the primary, and at first", () => {
    const next = podinfo("5.0.0", { [settings]: "2222222222" });
    assert.equal(toldApart(first, null).name, "4.0.0");
    assert.equal(toldApart(next, serving(first)).name, "5.0.0");
    assert.equal(toldApart(first, serving(first)).name, "4.0.0");
  });

  it("says which configuration changed, one change after the other", () => {
    const second = podinfo("4.0.0", { [settings]: "2222222222", "Secret/keys": "aaaaaaaaaa" });
    const named = toldApart(second, serving(first));
    assert.equal(named.name, "4.0.0 (ConfigMap/settings 222222)");
    assert.equal(named.id, second.id);
    const third = podinfo("4.0.0", { [settings]: "3333333333", "Secret/keys": "bbbbbbbbbb" });
    const last = toldApart(third, serving(named)).name;
    assert.equal(last, "4.0.0 (ConfigMap/settings 333333, Secret/keys bbbbbb)");
  });

  it("stays while the revision does, wanted or primary", () => {
    const second = podinfo("4.0.0", { [settings]: "2222222222" });
    const named = toldApart(second, serving(first));
    assert.equal(toldApart(second, serving(first, named)).name, named.name);
    assert.equal(toldApart(second, serving(named)).name, named.name);
  });

  it("is told apart by the id where something else than configuration changed", () => {
    const { id } = podinfo("4.0.0", {}, { args: ["--debug"] });
    const other = toldApart(
      podinfo("4.0.0", {}, { args: ["--debug"] }),
      serving(podinfo("4.0.0", {})),
    );
    assert.equal(other.name, `4.0.0 (${id})`);
  });
});
