import assert from "node:assert/strict";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import type { Lock, StateStore } from "../../rollout/ports.ts";
import { record } from "../support/builders.ts";
import { good, play } from "../report/played-rollout.ts";

/** One place where a record is kept, and processes that see it. */
export interface StorePlaceUnderTest {
  /** The store as one more process sees it. */
  open(): StateStore;
  /** Somebody else takes the lock from its holder. */
  steal(): Promise<void>;
  close(): Promise<void>;
}

/** What every StateStore keeps. */
export function storeContract(makePlace: () => Promise<StorePlaceUnderTest>): void {
  let place: StorePlaceUnderTest;

  beforeEach(async () => {
    place = await makePlace();
  });

  afterEach(() => place.close());

  describe("the record", () => {
    it("is null before the first", async () => {
      assert.equal(await place.open().load(), null);
    });

    it("comes back as it was saved, to every process", async () => {
      const store = place.open();
      await store.save(record());
      assert.deepEqual(await store.load(), record());
      assert.deepEqual(await place.open().load(), record());
    });

    it("comes back in every phase that a rollout goes through", async () => {
      const store = place.open();
      const phases = new Set<string>();
      const keep = (kept: RolloutRecord): boolean => {
        phases.add(kept.state.phase);
        records.push(kept);
        return false;
      };
      const records: RolloutRecord[] = [];
      play({ samples: good, until: keep });
      assert.ok(phases.size >= 4, [...phases].join(", "));
      for (const kept of records) {
        await store.save(kept);
        assert.deepEqual(await store.load(), plain(kept));
      }
    });

    it("is the last one saved", async () => {
      const store = place.open();
      await store.save(record("v1", "v2"));
      await store.save(record("v1", "v3"));
      assert.equal((await place.open().load())?.wanted.name, "v3");
    });
  });

  describe("the lock", () => {
    it("is had by one, and the next is told who has it since when", async () => {
      const before = Date.now();
      const { lock } = await locked(place.open());
      const second = await place.open().lock();
      assert.ok(second.kind === "held");
      assert.notEqual(second.holder.who, "");
      assert.equal(typeof second.holder.since, "number");
      assert.ok(second.holder.since <= Math.max(Date.now(), before));
      await lock.release();
    });

    it("is had by exactly one of many who ask at once", async () => {
      const results = await Promise.all(Array.from({ length: 20 }, () => place.open().lock()));
      const had = results.filter((result) => result.kind === "locked");
      assert.equal(had.length, 1);
      await had[0]?.lock.release();
    });

    it("can be had again once released", async () => {
      const first = await locked(place.open());
      await first.lock.release();
      const second = await locked(place.open());
      assert.equal(second.lock.lost.aborted, false);
      await second.lock.release();
    });

    it("is released twice without harm to whoever has it next", async () => {
      const first = await locked(place.open());
      await first.lock.release();
      const second = await locked(place.open());
      await first.lock.release();
      assert.notEqual(await place.open().holder(), null);
      await second.lock.release();
    });

    it("has a holder just while it is held", async () => {
      const store = place.open();
      assert.equal(await store.holder(), null);
      const { lock } = await locked(place.open());
      const refused = await store.lock();
      assert.ok(refused.kind === "held");
      assert.deepEqual(await store.holder(), refused.holder);
      await lock.release();
      assert.equal(await store.holder(), null);
    });

    it("tells its holder when it is taken away, and then is not the holder's to release", async () => {
      const { lock } = await locked(place.open());
      assert.equal(lock.lost.aborted, false);
      await place.steal();
      await aborted(lock.lost);
      await lock.release();
      assert.notEqual(await place.open().holder(), null);
    });

    it("is not needed to read", async () => {
      await place.open().save(record());
      const { lock } = await locked(place.open());
      assert.deepEqual(await place.open().load(), record());
      await lock.release();
    });
  });

  describe("the command", () => {
    it("is null when none was left", async () => {
      assert.equal(await place.open().readCommand(), null);
    });

    it("stays until it is cleared, whoever reads it", async () => {
      await place.open().sendCommand("promote");
      const driver = place.open();
      assert.equal(await driver.readCommand(), "promote");
      assert.equal(await driver.readCommand(), "promote");
      assert.equal(await place.open().readCommand(), "promote");
      await driver.clearCommand();
      assert.equal(await driver.readCommand(), null);
      assert.equal(await place.open().readCommand(), null);
    });

    it("is the last one left", async () => {
      await place.open().sendCommand("promoteFull");
      await place.open().sendCommand("rollback");
      assert.equal(await place.open().readCommand(), "rollback");
    });

    it("stays when it was left after the last one was read", async () => {
      const driver = place.open();
      await place.open().sendCommand("promote");
      await driver.readCommand();
      await place.open().sendCommand("rollback");
      await driver.clearCommand();
      assert.equal(await driver.readCommand(), "rollback");
      await driver.clearCommand();
      assert.equal(await driver.readCommand(), null);
    });

    it("is cleared without harm where there is none", async () => {
      await place.open().clearCommand();
      const driver = place.open();
      await driver.sendCommand("promote");
      await driver.readCommand();
      await driver.clearCommand();
      await driver.clearCommand();
      assert.equal(await driver.readCommand(), null);
    });

    it("outlasts the process that left it and the one that read it", async () => {
      await place.open().sendCommand("rollback");
      await place.open().readCommand();
      assert.equal(await place.open().readCommand(), "rollback");
    });
  });
}

async function locked(store: StateStore): Promise<{ readonly lock: Lock }> {
  const result = await store.lock();
  assert.ok(result.kind === "locked");
  return result;
}

/** Resolves once the signal is aborted; the bound is above any store's time to notice. */
async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve, reject) => {
    const bound = setTimeout(() => reject(new Error("the loss of the lock went unnoticed")), 5_000);
    signal.addEventListener("abort", () => {
      clearTimeout(bound);
      resolve();
    });
  });
}

/** As it reads from text: without what is undefined. */
function plain(kept: RolloutRecord): unknown {
  return JSON.parse(JSON.stringify(kept));
}
