import { SystemClock } from "../../rollout/adapters/system-clock.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { clockContract } from "./clock.contract.ts";

describe("contract of Clock", () => {
  describe("FakeClock", () => clockContract(() => new FakeClock()));
  describe("SystemClock", () => clockContract(() => new SystemClock()));
});
