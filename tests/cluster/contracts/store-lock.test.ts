import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import sinon from "sinon";
import type { KubernetesStore } from "../../../rollout/adapters/kubernetes-store.ts";
import { OperationError, UserError } from "../../../rollout/errors.ts";
import type { Lock } from "../../../rollout/ports.ts";
import { record } from "../../support/builders.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { ApiRelay } from "./api-relay.ts";
import { StorePlace } from "./store-place.ts";

/** As the Lease says; after it, it can be another's. */
const leaseMs = 15_000;
/** The API server tells the time in whole seconds. */
const secondMs = 1_000;

describeOnCluster("the lock of KubernetesStore", (cluster) => {
  let space: TestNamespace;
  let place: StorePlace;

  beforeEach(async () => {
    space = await TestNamespace.create(cluster(), "lock");
    place = new StorePlace(cluster(), space.name);
  });

  afterEach(() => space.remove());

  it("is renewed, and so outlasts its Lease's duration", async function () {
    this.timeout(40_000);
    const lock = await locked(place.open());
    const first = await place.lease();
    await sleep(leaseMs + 2 * secondMs);
    const second = await place.lease();
    assert.ok(Date.parse(second.renewTime) - Date.parse(first.renewTime) > leaseMs - 2 * secondMs);
    assert.equal(second.acquireTime, first.acquireTime);
    const other = await place.open().lock();
    assert.ok(other.kind === "held");
    assert.ok(Math.abs(other.holder.since - Date.parse(first.acquireTime)) < secondMs);
    assert.equal(lock.lost.aborted, false);
    await lock.release();
  });

  for (const [mode, what] of [
    ["cut", "refuses connections"],
    ["mute", "does not answer"],
  ] as const) {
    it(`ends before another can have it, when the server ${what} for its holder`, async function () {
      this.timeout(60_000);
      const relay = await ApiRelay.start(cluster().config);
      const store = place.open(relay.access);
      const lock = await locked(store);
      await store.save(record("v1", "v2"));
      relay.set(mode);
      const brokenAt = performance.now();
      const since = (): number => Math.round(performance.now() - brokenAt);
      const saving = assert.rejects(store.save(record("v1", "v3")), (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /127\.0\.0\.1:\d+/);
        return true;
      });
      await aborted(lock.lost, 15_000);
      const lostMs = since();
      assert.ok(lock.lost.reason instanceof OperationError);
      assert.match(
        lock.lost.reason.message,
        /^Lease \S+ could not be renewed for 10 s, so another may take it: /,
      );
      await saving;
      const savedMs = since();
      assert.equal((await place.open().lock()).kind, "held");
      const next = await waitUntil("another has the lock", 20_000, async () => {
        const result = await place.open().lock();
        return result.kind === "locked" && result.lock;
      });
      const hadMs = since();
      console.log(
        `      lost after ${lostMs} ms, save gave up after ${savedMs} ms, had by another after ${hadMs} ms`,
      );
      assert.ok(lostMs < 12_000 && savedMs < 12_000, "the holder stops at its bound");
      assert.ok(hadMs - lostMs > 2 * secondMs, "another has it well after the holder has stopped");
      assert.equal((await place.open().load())?.wanted.name, "v2");
      const startedAt = performance.now();
      await lock.release();
      assert.ok(performance.now() - startedAt < secondMs, "a lost lock is not given back");
      await relay.close();
      await next.release();
    });
  }

  it("is told lost within three seconds, with who has it, and then nothing is saved", async () => {
    const store = place.open();
    const lock = await locked(store);
    await store.save(record("v1", "v2"));
    await place.steal();
    await aborted(lock.lost, 3_000);
    assert.ok(lock.lost.reason instanceof UserError);
    assert.match(lock.lost.reason.message, /^Lease \S+ was taken by somebody else while/);
    await assert.rejects(store.save(record("v1", "v3")), {
      name: "UserError",
      message: /was taken by somebody else .*nothing more is saved or changed.*upramp status/,
    });
    assert.equal((await place.open().load())?.wanted.name, "v2");
  });

  it("saves nothing after it was taken, before its holder was told", async () => {
    const store = place.open();
    await locked(store);
    await place.steal();
    await assert.rejects(store.save(record()), { name: "UserError" });
    assert.equal(await place.open().load(), null);
  });

  it("is put back when its Lease is deleted", async () => {
    const lock = await locked(place.open());
    await place.remove("lease");
    const { acquireTime } = await waitUntil("the Lease is there again", 5_000, () => place.lease());
    const other = await place.open().lock();
    assert.ok(other.kind === "held" && other.holder.since === Date.parse(acquireTime));
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.equal(await place.open().holder(), null);
  });

  it("is lost when its Lease is deleted and another is faster", async () => {
    const lock = await locked(place.open());
    await place.remove("lease");
    const next = await locked(place.open());
    await aborted(lock.lost, 3_000);
    assert.equal(next.lost.aborted, false);
    await next.release();
  });

  it("is kept when somebody only annotates its Lease", async () => {
    const store = place.open();
    const lock = await locked(store);
    await place.patch("lease", { metadata: { annotations: { seen: "yes" } } });
    await store.save(record());
    assert.equal(lock.lost.aborted, false);
    await lock.release();
    assert.equal(await place.open().holder(), null);
  });

  it("can be had once its holder has not renewed it for its duration", async () => {
    await place.steal(leaseMs - 5 * secondMs);
    const early = await place.open().lock();
    assert.ok(early.kind === "held");
    assert.equal(early.holder.who, "somebody else");
    await place.steal(leaseMs + 5 * secondMs);
    assert.equal(await place.open().holder(), null);
    await (await locked(place.open())).release();
  });

  it("is judged by the server's clock, whatever this machine's says", async () => {
    const lock = await locked(place.open());
    const now = Date.now();
    const stub = sinon.stub(Date, "now");
    try {
      stub.returns(now + 3_600_000);
      assert.equal((await place.open().lock()).kind, "held");
      stub.returns(now - 3_600_000);
      assert.equal((await place.open().lock()).kind, "held");
      await lock.release();
      const second = await locked(place.open());
      const renewedAt = Date.parse((await place.lease()).renewTime);
      assert.ok(Math.abs(renewedAt - now) < 60_000, "renewed at the server's time");
      await second.release();
    } finally {
      stub.restore();
    }
  });

  it("is given back in no time when the server is away, and runs out by itself", async () => {
    const relay = await ApiRelay.start(cluster().config);
    const lock = await locked(place.open(relay.access));
    relay.set("cut");
    const startedAt = performance.now();
    await lock.release();
    assert.ok(performance.now() - startedAt < 4_000);
    await relay.close();
  });
});

async function locked(store: KubernetesStore): Promise<Lock> {
  const result = await store.lock();
  assert.ok(result.kind === "locked", JSON.stringify(result));
  return result.lock;
}

async function aborted(signal: AbortSignal, boundMs: number): Promise<void> {
  await waitUntil("the lock is lost", boundMs, () => signal.aborted);
}
