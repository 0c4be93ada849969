import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { historyMax, type HistoryEntry, type RolloutRecord } from "../../../rollout/core/state.ts";
import { check, record } from "../../support/builders.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";
import { limitedAccess } from "./access.ts";
import { ApiRelay } from "./api-relay.ts";
import { driverRights } from "./driver-rights.ts";
import { StorePlace } from "./store-place.ts";

const mebibyte = 1024 * 1024;

const configMapSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.string()).default({}),
});

describeOnCluster("the record of KubernetesStore", (cluster) => {
  let space: TestNamespace;
  let place: StorePlace;

  beforeEach(async () => {
    space = await TestNamespace.create(cluster(), "record");
    place = new StorePlace(cluster(), space.name);
  });

  afterEach(() => space.remove());

  const stored = async (): Promise<z.output<typeof configMapSchema>> =>
    configMapSchema.parse(await place.configMap());

  describe("when it is large", () => {
    it("is kept as JSON up to the last byte that a ConfigMap holds", async () => {
      const store = place.open();
      const full = ofBytes(mebibyte);
      await store.save(full);
      assert.equal((await stored()).data["record.json"], JSON.stringify(full));
      assert.deepEqual(await place.open().load(), full);
    });

    it("is packed from the next byte on, and comes back whole", async () => {
      const store = place.open();
      for (const bytes of [mebibyte + 1, 8 * mebibyte]) {
        const large = ofBytes(bytes);
        const startedAt = performance.now();
        await store.save(large);
        const ms = Math.round(performance.now() - startedAt);
        const { data, binaryData } = await stored();
        assert.deepEqual(data, {});
        const packed = Buffer.from(binaryData["record.json.gz"] ?? "", "base64").length;
        console.log(`      ${bytes} bytes are packed into ${packed} and saved in ${ms} ms`);
        assert.deepEqual(await place.open().load(), large);
      }
      await store.save(record());
      assert.deepEqual((await stored()).binaryData, {});
      assert.deepEqual(await place.open().load(), record());
    });

    it("loses the oldest decisions, and nothing else, when it does not fit packed", async () => {
      const store = place.open();
      // what cannot be packed: 500 decisions of 6 KiB each
      const large = {
        ...record(),
        history: history(() => randomBytes(4 * 1024).toString("base64")),
      };
      await store.save(large);
      const kept = await place.open().load();
      assert.ok(kept !== null);
      assert.deepEqual({ ...kept, history: [] }, { ...large, history: [] });
      assert.ok(kept.history.length > 50 && kept.history.length < historyMax);
      assert.deepEqual(kept.history, large.history.slice(-kept.history.length));
      await store.save({ ...large, wanted: record("v1", "v3").wanted });
      assert.equal((await place.open().load())?.wanted.name, "v3");
    });

    it("is refused with its size when even that does not fit, and the one before is kept", async () => {
      const store = place.open();
      await store.save(record());
      const content = { template: randomBytes(2 * mebibyte).toString("base64") };
      const wanted = { ...record().wanted, content };
      await assert.rejects(store.save({ ...record(), wanted }), {
        name: "UserError",
        message:
          /^the record of podinfo does not fit into a ConfigMap: .* has \d+ bytes.* revision v2 smaller/,
      });
      assert.deepEqual(await place.open().load(), record());
    });
  });

  describe("when somebody changes its ConfigMap by hand", () => {
    it("is written again in whole after it was deleted", async () => {
      const store = place.open();
      await store.lock();
      await store.save(record("v1", "v2"));
      await place.remove("configmap");
      await store.save(record("v1", "v3"));
      assert.deepEqual(await place.open().load(), record("v1", "v3"));
    });

    it("is saved over labels and annotations that were added", async () => {
      const store = place.open();
      await store.save(record("v1", "v2"));
      await place.patch("configmap", { metadata: { annotations: { seen: "yes" } } });
      await store.save(record("v1", "v3"));
      assert.deepEqual(await place.open().load(), record("v1", "v3"));
    });

    it("is not saved over another record", async () => {
      const store = place.open();
      await store.save(record("v1", "v2"));
      await place.open().save(record("v1", "v3"));
      await assert.rejects(store.save(record("v1", "v4")), {
        name: "UserError",
        message: new RegExp(
          `^ConfigMap ${space.name}/upramp-podinfo was changed by somebody else .*nothing was saved`,
        ),
      });
      assert.equal((await place.open().load())?.wanted.name, "v3");
    });

    it("is refused with how to go on, when it is no record any more", async () => {
      await place.open().save(record());
      await place.patch("configmap", { data: { "record.json": "{" } });
      await assert.rejects(place.open().load(), {
        name: "UserError",
        message: new RegExp(`kubectl delete configmap -n ${space.name} upramp-podinfo`),
      });
    });
  });

  describe("when the API server is away", () => {
    it("is saved after the answer to a write was lost", async () => {
      const relay = await ApiRelay.start(cluster().config);
      const store = place.open(relay.access);
      const result = await store.lock();
      assert.ok(result.kind === "locked");
      await store.save(record("v1", "v2"));
      relay.set("deaf");
      const saving = store.save(record("v1", "v3"));
      await sleep(1_500);
      relay.set("open");
      await saving;
      assert.equal((await place.open().load())?.wanted.name, "v3");
      await store.save(record("v1", "v4"));
      assert.equal((await place.open().load())?.wanted.name, "v4");
      assert.equal(result.lock.lost.aborted, false);
      await result.lock.release();
      await relay.close();
    });

    it("is told at once to whoever does not drive", async () => {
      const relay = await ApiRelay.start(cluster().config);
      relay.set("cut");
      const store = place.open(relay.access);
      const startedAt = performance.now();
      const unreachable = { name: "OperationError", message: /127\.0\.0\.1:\d+ cannot be reached/ };
      await assert.rejects(store.load(), unreachable);
      await assert.rejects(store.lock(), unreachable);
      await assert.rejects(store.sendCommand("promote"), unreachable);
      assert.ok(performance.now() - startedAt < 2_000);
      await relay.close();
    });

    it("is saved through a restart of the server, by a driver with no more than its rights", async function () {
      this.timeout(60_000);
      const { processes } = cluster();
      if (processes === undefined) return this.skip();
      const store = place.open(await limitedAccess(cluster(), space.name, "driver", driverRights));
      const result = await store.lock();
      assert.ok(result.kind === "locked");
      const tookMs: number[] = [];
      const stop = new AbortController();
      const saving = (async () => {
        for (let count = 0; !stop.signal.aborted; count += 1) {
          const startedAt = performance.now();
          await store.save(record("v1", `v${count}`));
          assert.equal(await store.readCommand(), null);
          tookMs.push(performance.now() - startedAt);
        }
        return tookMs.length;
      })();
      await processes.controlPlane.parts.apiServer.kill();
      await processes.controlPlane.restart("apiServer");
      await sleep(1_000);
      stop.abort();
      const count = await saving;
      console.log(`      ${count} saves, the longest took ${Math.round(Math.max(...tookMs))} ms`);
      assert.equal((await place.open().load())?.wanted.name, `v${count - 1}`);
      assert.equal(result.lock.lost.aborted, false);
      await result.lock.release();
    });
  });
});

/** As many decisions as are kept, each with a text of its own. */
function history(text: (index: number) => string): HistoryEntry[] {
  return Array.from({ length: historyMax }, (_, index) => ({
    at: index,
    phase: "progressing",
    step: 0,
    weight: 20,
    reason: {
      kind: "checkBlind",
      check: {
        ...check("error", index),
        results: [{ metric: "success-rate", verdict: "error", detail: text(index) }],
      },
      blind: 1,
      max: 4,
    },
  }));
}

/** A record whose JSON has exactly this many bytes. */
function ofBytes(bytes: number): RolloutRecord {
  const empty = { ...record(), history: history(() => "") };
  const missing = bytes - JSON.stringify(empty).length;
  const each = Math.floor(missing / historyMax);
  const rest = missing - each * historyMax;
  const filled = history((index) => "x".repeat(index === 0 ? each + rest : each));
  return { ...record(), history: filled };
}
