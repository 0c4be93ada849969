import assert from "node:assert/strict";
import { allTo, split, type Assignment, type Revision } from "../../rollout/core/assignment.ts";
import type { Action } from "../../rollout/core/state.ts";
import type { StackDriver, StackView } from "../../rollout/ports.ts";

/** A deployed service whose primary is in blue, and revisions to try. */
export interface StackUnderTest {
  readonly driver: StackDriver;
  readonly good: Revision;
  /** Ends as soon as it is started. */
  readonly exiting: Revision;
  close(): Promise<void>;
}

const { signal } = new AbortController();

/** What every StackDriver keeps, whatever is behind it. */
export function stackContract(make: () => Promise<StackUnderTest>): void {
  let under: StackUnderTest;

  before(async function () {
    this.timeout(120_000);
    under = await make();
  });
  after(async function () {
    this.timeout(120_000);
    await under.close();
  });

  async function view(): Promise<StackView> {
    const found = await under.driver.read(signal);
    assert.ok(found);
    return found;
  }

  async function withGreen(green: Revision | null, weight: number): Promise<Assignment> {
    const { assignment } = await view();
    return {
      primary: "blue",
      slots: { blue: assignment.slots.blue, green },
      weights: weight === 0 ? allTo("blue") : split("green", weight),
    };
  }

  function action(kind: Action["kind"], assignment: Assignment): Action {
    return { kind, assignment, forward: false };
  }

  it("shows what was applied, also when it is applied twice", async function () {
    this.timeout(60_000);
    for (const weight of [0, 20, 20]) {
      const assignment = await withGreen(under.good, weight);
      const kind = weight === 0 ? "deployCanary" : "shiftTraffic";
      assert.deepEqual(await under.driver.apply(action(kind, assignment), null, signal), {
        kind: "applied",
      });
      assert.deepEqual((await view()).assignment, assignment);
    }
  });

  it("shows no wish that nobody configured", async function () {
    this.timeout(60_000);
    const before = await view();
    assert.equal(before.configured.id, before.assignment.slots.blue?.id);
    const back = await withGreen(null, 0);
    await under.driver.apply(action("removeCanary", back), null, signal);
    assert.equal((await view()).configured.id, before.configured.id);
  });

  it("has nothing against a good assignment, and a preview changes nothing", async function () {
    this.timeout(60_000);
    const { assignment } = await view();
    assert.equal(await under.driver.preview(await withGreen(under.good, 10), signal), null);
    assert.deepEqual((await view()).assignment, assignment);
  });

  it("says that a workload did not come up, and keeps all requests where they were", async function () {
    this.timeout(60_000);
    const assignment = await withGreen(under.exiting, 0);
    const result = await under.driver.apply(action("deployCanary", assignment), null, signal);
    assert.equal(result.kind === "failed" ? result.failure.kind : result.kind, "workload");
    assert.deepEqual((await view()).assignment.weights, allTo("blue"));
    const back = await withGreen(null, 0);
    assert.equal(
      (await under.driver.apply(action("removeCanary", back), null, signal)).kind,
      "applied",
    );
    assert.deepEqual((await view()).assignment, back);
  });
}
