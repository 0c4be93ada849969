import assert from "node:assert/strict";
import { resourceType, unknownParts } from "./resource-type.ts";

describe("types of resources", () => {
  it("are read from the token", () => {
    const expected = { apiVersion: "v1", kind: "Service", isPatch: false };
    assert.deepEqual(resourceType("kubernetes:core/v1:Service", {}), expected);
    assert.equal(resourceType("kubernetes:apps/v1:Deployment", {}).apiVersion, "apps/v1");
    assert.deepEqual(resourceType("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", {}), {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      isPatch: false,
    });
  });

  it("tell a patch from a kind that is called so", () => {
    const patch = resourceType("kubernetes:core/v1:ServicePatch", { kind: "Service" });
    assert.deepEqual(patch, { apiVersion: "v1", kind: "Service", isPatch: true });
    const envoy = "kubernetes:gateway.example.io/v1:EnvoyPatch";
    assert.equal(resourceType(envoy, { kind: "EnvoyPatch" }).isPatch, false);
  });

  it("that are not served are refused", () => {
    for (const token of [
      "kubernetes:helm.sh/v4:Chart",
      "kubernetes:yaml/v2:ConfigGroup",
      "kubernetes:core/v1:PodList",
      "aws:s3/bucket:Bucket",
    ]) {
      assert.throws(() => resourceType(token, {}), Error, token);
    }
  });

  it("have known annotations with known values only", () => {
    const type = resourceType("kubernetes:core/v1:Service", {});
    const failures = (annotations: object, more = {}) =>
      unknownParts(type, { metadata: { annotations }, ...more });
    assert.deepEqual(failures({ "pulumi.com/skipAwait": "true", "example.com/any": "x" }), []);
    assert.match(failures({ "pulumi.com/skipawait": "true" })[0] ?? "", /unknown annotation/);
    assert.match(failures({ "pulumi.com/timeoutSeconds": "5m" })[0] ?? "", /must match/);
    assert.match(failures({}, { apiVersion: "v2" })[0] ?? "", /apiVersion must be v1/);
  });
});
