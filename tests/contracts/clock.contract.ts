import assert from "node:assert/strict";
import type { Clock } from "../../rollout/ports.ts";

/** What every Clock keeps. The sleeps are short, so that a real clock can be asked too. */
export function clockContract(makeClock: () => Clock): void {
  const never = new AbortController().signal;

  it("counts milliseconds and never goes back by itself", async () => {
    const clock = makeClock();
    const before = clock.now();
    assert.ok(before > 0);
    await clock.sleep(1, never);
    assert.ok(clock.now() >= before);
  });

  it("sleeps for the time it is told", async () => {
    const clock = makeClock();
    const before = clock.now();
    await clock.sleep(30, never);
    // timers of the runtime may be a millisecond early against the clock
    assert.ok(clock.now() - before >= 29, `slept ${clock.now() - before} ms`);
  });

  it("does not sleep for no time, or less", async () => {
    const clock = makeClock();
    await clock.sleep(0, never);
    await clock.sleep(-5, never);
  });

  it("does not sleep when the signal is aborted already", async () => {
    const clock = makeClock();
    const before = clock.now();
    await clock.sleep(60_000, AbortSignal.abort());
    assert.ok(clock.now() - before < 1_000);
  });

  it("wakes up when the signal is aborted, without rejecting", async () => {
    const clock = makeClock();
    const before = clock.now();
    const wake = new AbortController();
    const sleeping = clock.sleep(60_000, wake.signal);
    wake.abort();
    await sleeping;
    assert.ok(clock.now() - before < 1_000);
  });
}
