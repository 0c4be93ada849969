import assert from "node:assert/strict";
import fc from "fast-check";
import { longestFirst, runBounded } from "../../tools/test-schedule.ts";

/** Items that end when the test says so. */
class Work {
  readonly started: string[] = [];
  readonly #ends = new Map<string, { resolve(): void; reject(error: Error): void }>();

  readonly run = (name: string): Promise<string> => {
    this.started.push(name);
    return new Promise((resolve, reject) => {
      this.#ends.set(name, { resolve: () => resolve(`${name} done`), reject });
    });
  };

  /** Lets an item end, and what follows from that happen. */
  async end(name: string, error?: Error): Promise<void> {
    const ending = this.#ends.get(name);
    assert.ok(ending, `${name} does not run`);
    if (error === undefined) ending.resolve();
    else ending.reject(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the order of groups", () => {
  it("has the longest first, and equal ones as given", () => {
    const items = ([1, 5, 3, 5] as const).map((expectedS, at) => ({ expectedS, at }));
    assert.deepEqual(
      longestFirst(items).map(({ at }) => at),
      [1, 3, 2, 0],
    );
  });

  it("starts the next as soon as one has ended, and gives results in order", async () => {
    const work = new Work();
    const all = runBounded(["a", "b", "c", "d"], 2, work.run);
    assert.deepEqual(work.started, ["a", "b"]);
    await work.end("b");
    assert.deepEqual(work.started, ["a", "b", "c"]);
    await work.end("c");
    await work.end("a");
    await work.end("d");
    assert.deepEqual(await all, ["a done", "b done", "c done", "d done"]);
  });

  it("starts nothing more after a rejection, and passes it on when the others have ended", async () => {
    const work = new Work();
    let settled = false;
    const all = runBounded(["a", "b", "c"], 2, work.run);
    const seen = all.then(
      () => "resolved",
      (error: unknown) => String(error),
    );
    void seen.then(() => (settled = true));
    await work.end("a", new Error("stopped"));
    assert.deepEqual(work.started, ["a", "b"]);
    assert.equal(settled, false);
    await work.end("b");
    assert.equal(await seen, "Error: stopped");
  });

  it("never runs more than the jobs at a time, and each item once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (turns, jobs) => {
          let running = 0;
          let most = 0;
          const done = await runBounded([...turns.entries()], jobs, async ([index, count]) => {
            most = Math.max(most, (running += 1));
            for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
            running -= 1;
            return index;
          });
          assert.deepEqual(done, [...turns.keys()]);
          assert.ok(most <= jobs);
          assert.ok(turns.length === 0 || most === Math.min(jobs, turns.length));
        },
      ),
    );
  });
});
