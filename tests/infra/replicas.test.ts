import assert from "node:assert/strict";
import fc from "fast-check";
import type { Assignment, ServiceOutputs, Slot } from "../../infra/contract.ts";
import {
  kubernetesServiceWritten,
  type KubernetesServiceSettings,
} from "../../infra/kubernetes-contract.ts";
import { slots } from "../../infra/names.ts";
import { replicasOf } from "../../infra/service/replicas.ts";
import { serviceOutputs } from "./service-outputs.ts";

function settings(more: object = {}): KubernetesServiceSettings {
  return kubernetesServiceWritten.parse({ name: "podinfo", replicas: 10, revision: {}, ...more });
}

const byWeight = settings({ canarySize: "byWeight" });

function spec(...weights: readonly number[]): Pick<ServiceOutputs["rollout"], "steps"> {
  return { steps: weights.map((weight) => ({ weight, checks: 1, hold: false })) };
}

const revision = (id: string): { id: string; name: string; content: object } => ({
  id,
  name: id,
  content: {},
});

/** Blue is primary; green has what is left of the weight. */
function assigned(green: number, primary: Slot = "blue"): Assignment {
  return {
    primary,
    slots: { blue: revision("1"), green: revision("2") },
    weights: { blue: 100 - green, green },
  };
}

/** A stack in which green is the canary, with this weight. */
function rolling(green: number): ServiceOutputs {
  return serviceOutputs({ assignment: assigned(green), canary: "green" });
}

describe("the replicas of a slot", () => {
  it("are those asked for, of either slot", () => {
    for (const slot of slots) {
      assert.equal(replicasOf(settings(), spec(50), assigned(20), slot, rolling(20)), 10);
    }
  });

  describe("under an autoscaler, the fewest", () => {
    const autoscaling = { min: 2, max: 8, cpuPercent: 80 };
    const scaled = settings({ autoscaling });
    const scaledByWeight = settings({ autoscaling, canarySize: "byWeight" });
    const counted = (assignment: Assignment, capacity: number): Assignment => ({
      ...assignment,
      capacity,
    });

    it("are those of the settings where nothing was counted", () => {
      for (const slot of slots) {
        assert.equal(replicasOf(scaled, spec(50), assigned(20), slot, rolling(20)), 2);
        assert.equal(replicasOf(scaledByWeight, spec(50), assigned(20), slot, rolling(20)), 2);
      }
    });

    for (const [capacity, fewest] of [
      [1, 2],
      [6, 6],
      [20, 8],
    ] as const) {
      it(`are ${fewest} of both slots when the primary had ${capacity}`, () => {
        for (const slot of slots) {
          const assignment = counted(assigned(20), capacity);
          assert.equal(replicasOf(scaled, spec(50), assignment, slot, rolling(20)), fewest);
        }
      });
    }

    for (const [weight, fewest] of [
      [0, 2],
      [20, 4],
      [60, 6],
    ] as const) {
      it(`are ${fewest} of a canary sized by weight that has ${weight} %, and all of the primary`, () => {
        const assignment = counted(assigned(weight), 6);
        const of = (slot: Slot): number =>
          replicasOf(scaledByWeight, spec(20, 60), assignment, slot, rolling(weight));
        assert.deepEqual([of("green"), of("blue")], [fewest, 6]);
      });
    }

    it("are all of both slots once the canary is promoted", () => {
      const promoted = counted(assigned(100, "green"), 6);
      for (const slot of slots) {
        assert.equal(replicasOf(scaledByWeight, spec(20, 60), promoted, slot, rolling(60)), 6);
      }
    });
  });

  for (const [now, replicas] of [
    [0, 1],
    [5, 3],
    [24, 3],
    [25, 10],
    [100, 10],
  ] as const) {
    it(`are ${replicas} of 10 for a canary sized by weight that has ${now} %, before 5 and 25 %`, () => {
      const steps = spec(5, 25);
      assert.equal(replicasOf(byWeight, steps, assigned(now), "green", rolling(now)), replicas);
      assert.equal(replicasOf(byWeight, steps, assigned(now), "blue", rolling(now)), 10);
    });
  }

  it("stay when weight is taken away, and go with the update after", () => {
    assert.equal(replicasOf(byWeight, spec(10, 50), assigned(0), "green", rolling(50)), 10);
    assert.equal(replicasOf(byWeight, spec(10, 50), assigned(0), "green", rolling(0)), 1);
  });

  it("are all of them for an old primary, which may have to take all requests at once", () => {
    const promoted = serviceOutputs({ assignment: assigned(100, "green"), canary: null });
    for (const previous of [rolling(100), promoted]) {
      for (const slot of slots) {
        assert.equal(replicasOf(byWeight, spec(10), assigned(100, "green"), slot, previous), 10);
      }
    }
  });

  it("are all of them when nobody says what was before", () => {
    assert.equal(replicasOf(byWeight, spec(10), assigned(0), "green"), 10);
  });

  it("are never none, never too many, and enough for the weight now and at the next step", () => {
    const percent = fc.integer({ min: 0, max: 100 });
    const steps = fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        steps,
        percent,
        percent,
        (all, list, now, before) => {
          const rising = list.toSorted((a, b) => a - b);
          const found = replicasOf(
            { ...byWeight, replicas: all },
            spec(...rising),
            assigned(now),
            "green",
            rolling(before),
          );
          assert.ok(found !== undefined && Number.isInteger(found));
          assert.ok(found >= 1 && found <= all);
          const next = rising.find((weight) => weight > now) ?? 100;
          for (const weight of [now, before, next]) assert.ok(found * 100 >= all * weight);
        },
      ),
    );
  });
});
