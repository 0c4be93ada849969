import assert from "node:assert/strict";
import fc from "fast-check";
import { faultOf, requireWholeWeights } from "../../policies/require-whole-weights.ts";
import { resourceViolations } from "./rule-args.ts";

const localRoute = "upramp:local:Route";
const httpRoute = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute";
const virtualRouter = "kubernetes:appmesh.k8s.aws/v1beta2:VirtualRouter";
const awsRoute = "aws:appmesh/route:Route";

function violations(type: string, props: Record<string, unknown>): readonly string[] {
  return resourceViolations(requireWholeWeights, type, props);
}

const refs = (...weights: unknown[]): object => ({
  spec: { rules: [{ backendRefs: weights.map((weight) => ({ name: "s", weight })) }] },
});
const targets = (...weights: unknown[]): object => ({
  spec: {
    routes: [{ httpRoute: { action: { weightedTargets: weights.map((weight) => ({ weight })) } } }],
  },
});

describe("require-whole-weights", () => {
  for (const [what, type, props] of [
    ["a route of this machine", localRoute, { weights: { blue: 80, green: 20 } }],
    ["all to one slot", localRoute, { weights: { blue: 0, green: 100 } }],
    ["an HTTPRoute", httpRoute, refs(75, 25)],
    ["an HTTPRoute that gives no weight", httpRoute, refs(undefined, undefined)],
    ["an HTTPRoute to one Service", httpRoute, refs(undefined)],
    ["an HTTPRoute with an omitted weight, which is 1", httpRoute, refs(99, undefined)],
    ["a VirtualRouter", virtualRouter, targets(10, 90)],
    ["an AWS route", awsRoute, targets(10, 90)],
    ["what is no route", "aws:s3/bucket:Bucket", { weights: { blue: 7 } }],
  ] as const) {
    it(`lets ${what} pass`, () => {
      assert.deepEqual(violations(type, { ...props }), []);
    });
  }

  for (const [what, type, props, expected] of [
    ["a sum of 90", localRoute, { weights: { blue: 70, green: 20 } }, "weights = 70, 20: they add"],
    ["a half", localRoute, { weights: { blue: 99.5, green: 0.5 } }, "weights = 99.5, 0.5: each"],
    ["a negative one", localRoute, { weights: { blue: 110, green: -10 } }, "110, -10: each"],
    ["text", localRoute, { weights: { blue: "100", green: 0 } }, '"100", 0: each'],
    ["none at all", localRoute, {}, "they add up to 0"],
    ["an HTTPRoute of 101", httpRoute, refs(100, 1), "spec.rules[0].backendRefs = 100, 1"],
    ["an omitted weight beside 100", httpRoute, refs(100, undefined), "100, 1: they add up to 101"],
    ["a VirtualRouter of 20", virtualRouter, targets(10, 10), "weightedTargets = 10, 10"],
    ["an AWS route of 20", awsRoute, targets(10, 10), "weightedTargets = 10, 10"],
  ] as const) {
    it(`stops ${what}`, () => {
      const [message = "no violation", ...more] = violations(type, { ...props });
      assert.ok(message.includes(expected), message);
      assert.deepEqual(more, []);
    });
  }

  it("looks at every rule of a route", () => {
    const rule = (...weights: number[]): object => ({
      backendRefs: weights.map((weight) => ({ weight })),
    });
    const found = violations(httpRoute, { spec: { rules: [rule(100), rule(50, 40), rule(1)] } });
    assert.deepEqual(
      found.map((message) => message.split(" = ")[0]),
      ["spec.rules[1].backendRefs", "spec.rules[2].backendRefs"],
    );
  });

  it("leaves out the rule that only keeps both slots known to a proxy", () => {
    const { spec } = Object.fromEntries(Object.entries(refs(1, 1))) as {
      spec: { rules: object[] };
    };
    const headers = [{ type: "Exact", name: "x-upramp-keeper", value: "never-sent" }];
    const rules = spec.rules.map((rule) => ({ ...rule, matches: [{ headers }] }));
    assert.deepEqual(violations(httpRoute, { spec: { rules } }), []);
    const open = rules.map((rule) => ({ ...rule, matches: [{ headers }, { path: {} }] }));
    assert.equal(violations(httpRoute, { spec: { rules: open } }).length, 1);
  });

  it("agrees with the sum for any whole weights", () => {
    const weight = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1 }), (weights) => {
        const sum = weights.reduce((before, each) => before + each, 0);
        assert.equal(faultOf(weights) === null, sum === 100);
      }),
    );
  });
});
