import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { chartTable } from "../../infra/platform/charts/chart-table.ts";
import { valuesOf } from "../../infra/platform/charts/chart-values.ts";
import { gatewayApiRelease } from "../../infra/platform/charts/gateway-api-crds.ts";
import { mergeValues } from "../../infra/platform/charts/merge-values.ts";
import { chartsOf, installWritten, type ChartName } from "../../infra/router-install-contract.ts";
import { UserError } from "../../rollout/errors.ts";
import { getTool } from "../../tools/get.ts";
import { progressTo } from "../../tools/progress.ts";
import { toolRow } from "../../tools/table.ts";

const chartNames = Object.keys(chartTable) as ChartName[]; // the keys of the constant, no others

/** Keys that are set and that another set of values does not have, as paths. */
function strangers(own: unknown, known: unknown, path = ""): string[] {
  if (!isObject(own)) return [];
  return Object.entries(own).flatMap(([key, value]) => {
    const here = path === "" ? key : `${path}.${key}`;
    if (!isObject(known) || !(key in known)) return [here];
    return strangers(value, known[key], here);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

describe("the table of charts", () => {
  it("pins every chart by one version, from where its project publishes it", () => {
    for (const name of chartNames) {
      const { from, version } = chartTable[name];
      assert.match(version, /^v?\d+\.\d+\.\d+$/, name);
      const address = "oci" in from ? from.oci : from.repository;
      assert.match(address, "oci" in from ? /^oci:\/\/.+\/[a-z-]+$/ : /^https:\/\//, name);
      if ("oci" in from) assert.ok(address.endsWith(`/${name}`), address);
    }
  });

  it("has a row for every chart of every implementation, and Istio's of one version", () => {
    const all = (["envoy-gateway", "istio", "vpc-lattice", "app-mesh"] as const).flatMap((one) =>
      chartsOf(one, undefined),
    );
    assert.deepEqual(all.toSorted(), chartNames.toSorted());
    const versions = new Set(chartsOf("istio", "ambient").map((one) => chartTable[one].version));
    assert.equal(versions.size, 1);
    assert.deepEqual(chartsOf("istio", "sidecar"), ["base", "istiod"]);
    assert.deepEqual(chartsOf("contour", undefined), []);
  });

  it("installs the versions that the test cluster runs", () => {
    assert.equal(chartTable["gateway-helm"].version, toolRow("envoy-gateway").pinned);
    assert.equal(gatewayApiRelease, toolRow("gateway-api-crds").pinned);
  });

  it("sets only what the chart of Envoy Gateway has", async function () {
    this.timeout(120_000);
    let folder: string;
    try {
      folder = (await getTool("envoy-gateway-chart", progressTo(process.stderr))).path;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      console.error(error.message);
      return this.skip();
    }
    // a template of its release process: names of images are put in for ${...}
    const text = await readFile(join(folder, "values.tmpl.yaml"), "utf8");
    const known: unknown = parseYaml(text);
    const own = valuesOf("gateway-helm", {
      install: installWritten.parse({}),
      gateway: "public",
      aws: undefined,
      roleArn: undefined,
    });
    assert.deepEqual(strangers(own, known), []);
    assert.ok(Object.keys(own).length > 0);
    // the test sees a key that is not there
    assert.deepEqual(strangers({ deployment: { replica: 2 } }, known), ["deployment.replica"]);
  });

  it("lays values over others as Helm does", () => {
    const output = pulumi.output("known later");
    assert.deepEqual(
      mergeValues(
        { a: { b: 1, c: [1, 2] }, d: output, e: { f: 1 } },
        { a: { c: [3], g: 2 }, e: null },
      ),
      { a: { b: 1, c: [3], g: 2 }, d: output, e: null },
    );
    assert.equal(mergeValues({ a: { b: 1 } }, { a: output })["a"], output);
  });
});
