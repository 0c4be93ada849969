import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileStore } from "../../rollout/adapters/file-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FakeStore, StorePlace } from "../support/fake-store.ts";
import { lockContent } from "../adapters/lock-content.ts";
import { storeContract, type StorePlaceUnderTest } from "./store.contract.ts";

async function fakePlace(): Promise<StorePlaceUnderTest> {
  await Promise.resolve();
  const place = new StorePlace();
  const clock = new FakeClock();
  let processes = 0;
  return {
    open: () => new FakeStore(place, `process ${(processes += 1)}`, clock),
    async steal() {
      await Promise.resolve();
      place.stealLock("somebody else", clock.now());
    },
    async close() {},
  };
}

async function realPlace(): Promise<StorePlaceUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "upramp-store-"));
  const options = { directory, name: "dev-podinfo" };
  return {
    open: () => new FileStore(options),
    steal: () => writeFile(join(directory, "dev-podinfo.lock"), lockContent({ host: "elsewhere" })),
    close: () => rm(directory, { recursive: true }),
  };
}

describe("contract of StateStore", () => {
  describe("FakeStore", () => storeContract(fakePlace));
  describe("FileStore", () => storeContract(realPlace));
});
