import assert from "node:assert/strict";
import { defaultNamespace, diffConfig, loadKubeConfig, parseConfig } from "./provider-config.ts";

const kubeconfig = (server: string, token = "t") =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "one", cluster: { server } },
      { name: "two", cluster: { server: "https://two" } },
    ],
    users: [{ name: "user", user: { token } }],
    contexts: [
      { name: "first", context: { cluster: "one", user: "user", namespace: "apps" } },
      { name: "second", context: { cluster: "two", user: "user" } },
    ],
    "current-context": "first",
  });

describe("the provider's configuration", () => {
  it("takes options as values and as text", () => {
    const { upsertExistingObjects, enableConfigMapMutable } = parseConfig({
      upsertExistingObjects: "true",
      enableConfigMapMutable: true,
    });
    assert.deepEqual([upsertExistingObjects, enableConfigMapMutable], [true, true]);
  });

  it("is refused for an option that is not known or not served, each by name", () => {
    const wrong = { renderYamlToDirectory: "out", helmReleaseSettings: "{}" };
    assert.throws(() => parseConfig(wrong), /renderYamlToDirectory: .*helmReleaseSettings: /);
    assert.throws(() => parseConfig({ enableServerSideApply: "false" }), /enableServerSideApply/);
    assert.throws(() => parseConfig({ upsertExistingObjects: "yes" }), /upsertExistingObjects/);
  });

  it("chooses cluster and namespace by context", () => {
    const text = kubeconfig("https://one");
    const first = loadKubeConfig({ kubeconfig: text, context: undefined });
    assert.equal(first.getCurrentCluster()?.server, "https://one");
    assert.equal(defaultNamespace(parseConfig({}), first), "apps");
    assert.equal(defaultNamespace(parseConfig({ namespace: "own" }), first), "own");
    const second = loadKubeConfig({ kubeconfig: text, context: "second" });
    assert.equal(second.getCurrentCluster()?.server, "https://two");
    assert.equal(defaultNamespace(parseConfig({}), second), "default");
    assert.throws(() => loadKubeConfig({ kubeconfig: text, context: "third" }), /first, second/);
    assert.throws(
      () => loadKubeConfig({ kubeconfig: "/nowhere/kubeconfig", context: undefined }),
      /no kubeconfig at \/nowhere\/kubeconfig/,
    );
  });

  it("replaces everything only when it is another cluster", () => {
    const before = { kubeconfig: kubeconfig("https://one") };
    const newToken = { kubeconfig: kubeconfig("https://one", "fresh") };
    const moved = { kubeconfig: kubeconfig("https://elsewhere") };
    assert.deepEqual(diffConfig(before, before), { changed: [], replaces: false });
    assert.deepEqual(diffConfig(before, newToken), { changed: ["kubeconfig"], replaces: false });
    assert.equal(diffConfig(before, moved).replaces, true);
    assert.equal(diffConfig(before, { ...before, context: "second" }).replaces, true);
    const known = { clusterIdentifier: "prod" };
    assert.equal(diffConfig({ ...before, ...known }, { ...moved, ...known }).replaces, false);
    assert.equal(diffConfig({ ...before, ...known }, before).replaces, true);
  });
});
