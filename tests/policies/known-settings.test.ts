import assert from "node:assert/strict";
import { withKnownSettings } from "../../policies/known-settings.ts";
import { requireKnownStep } from "../../policies/require-known-step.ts";
import { requireProbes } from "../../policies/require-probes.ts";
import { rules } from "../../policies/rules.ts";
import { resourceViolations, stackViolations } from "./rule-args.ts";

/** What a guarded rule about resources says of one. */
function violations(
  type: string,
  props: Record<string, unknown>,
  config: object,
): readonly string[] {
  const rule = withKnownSettings(requireProbes);
  assert.ok("validateResource" in rule);
  return resourceViolations(rule, type, props, config);
}

describe("a rule of the pack", () => {
  const wrong = { prbes: [], exemptNames: [] };

  it("refuses a setting that it does not have, once a stack", () => {
    assert.deepEqual(violations("pulumi:pulumi:Stack", {}, wrong), [
      `the pack's configuration has "prbes" for this rule; known are enforcementLevel, exemptNamespaces, exemptNames, exemptKinds, probes`,
    ]);
    assert.deepEqual(violations("kubernetes:core/v1:Service", {}, wrong), []);
    const rule = withKnownSettings(requireKnownStep);
    assert.ok("validateStack" in rule);
    assert.match(
      stackViolations(rule, [], { weights: [] })[0] ?? "",
      /has "weights" .* otherWeights$/,
    );
    assert.deepEqual(stackViolations(rule, [], { otherWeights: [] }), []);
  });

  it("judges as it does alone", () => {
    const spec = { template: { spec: { containers: [{ name: "web" }] } } };
    assert.equal(violations("kubernetes:apps/v1:Deployment", { spec }, {}).length, 1);
  });

  for (const rule of rules) {
    it(`is named for what it is, and has defaults that fit: ${rule.name}`, () => {
      assert.match(rule.name, /^(require|forbid)-[a-z0-9-]+$/);
      assert.equal(rule.enforcementLevel, "mandatory");
      assert.match(rule.description, /\.$/);
      for (const schema of Object.values(rule.configSchema?.properties ?? {})) {
        assert.notEqual(schema.default, undefined);
        assert.match(schema.description ?? "", /\.$/);
      }
    });
  }
});
