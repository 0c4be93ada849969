import assert from "node:assert/strict";
import { readTraffic, splitOf } from "../../rollout/adapters/kubernetes-traffic.ts";

const all = { blue: 100, green: 0 };
const whole = { ready: 2, wanted: 2 };
const ready = { blue: whole, green: { ready: 0, wanted: 0 } };

describe("the split of a route's rules", () => {
  it("is that of the first rule", () => {
    const weights = { blue: 80, green: 20 };
    assert.deepEqual(splitOf([weights], "it"), { kind: "shown", weights });
    assert.deepEqual(splitOf([weights, all], "it"), { kind: "shown", weights });
  });

  it("is not told when a further rule splits too", () => {
    const why = "rule 3 of HTTPRoute a/b splits too";
    const rules = [all, all, { blue: 99, green: 1 }];
    assert.deepEqual(splitOf(rules, "HTTPRoute a/b"), { kind: "none", why });
  });

  it("is not told when there is no rule, or its weights do not add up to 100", () => {
    assert.equal(splitOf([], "it").kind, "none");
    for (const sum of [0, 99, 101]) {
      assert.equal(splitOf([{ blue: sum, green: 0 }], "it").kind, "none");
    }
  });
});

describe("a reading of split and workloads", () => {
  const split = Promise.resolve(splitOf([all], "it"));

  it("has no obstacle when both are there", async () => {
    const traffic = await readTraffic(split, Promise.resolve(ready));
    assert.deepEqual(traffic, { weights: all, ready });
  });

  it("keeps one half when the other cannot be read, and says why", async () => {
    const away = (why: string): Promise<never> => Promise.reject(new Error(why));
    assert.deepEqual(await readTraffic(away("no route"), Promise.resolve(ready)), {
      weights: null,
      ready,
      obstacle: "no route",
    });
    assert.deepEqual(await readTraffic(split, away("no right")), {
      weights: all,
      ready: null,
      obstacle: "no right",
    });
  });

  it("says once what is in the way of both", async () => {
    const away = (): Promise<never> => Promise.reject(new Error("the server is away"));
    const { obstacle } = await readTraffic(away(), away());
    assert.equal(obstacle, "the server is away");
  });
});
