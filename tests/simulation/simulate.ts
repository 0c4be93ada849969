import { drive, type DriveEnd } from "../../rollout/driver.ts";
import type { Reporter, RolloutEvent } from "../../rollout/ports.ts";
import { FakeMetrics } from "../support/fake-metrics.ts";
import { FakeStack } from "../support/fake-stack.ts";
import { FakeTraffic } from "../support/fake-traffic.ts";
import { RecordingReporter } from "../support/recording-reporter.ts";
import { Crash } from "../support/world.ts";
import type { Scenario } from "./scenario.ts";

/** Drives of one scenario: one for each crash, interruption, stop and wish, and some to spare. */
const drivesMax = 60;

/** A scheduler's drives: one for each check of the longest rollout, and those above. */
const shortDrivesMax = 600;

/** A person takes a minute to see that it stopped. */
const reactionMs = 60_000;

/** How far each drive goes, and how long nobody drives after one that ended with work left. */
export interface Pace {
  readonly once?: boolean;
  readonly forMs?: number;
  readonly gapMs: number;
}

/** Drives a scenario, process after process, until nothing more will happen and it is at rest. */
export async function simulate(scenario: Scenario, pace?: Pace): Promise<DriveReport[]> {
  const { world, place } = scenario;
  const reports: DriveReport[] = [];
  for (let drives = 0; drives < (pace ? shortDrivesMax : drivesMax); drives += 1) {
    const reporter = new RecordingReporter();
    const startedAt = world.clock.passed();
    const end = await oneDrive(scenario, reporter, pace);
    reports.push({ end, events: reporter.events, tookMs: world.clock.passed() - startedAt });
    // a killed or cut-off process leaves its lock to run out
    place.expireLock();
    const next = world.clock.untilNext();
    if (end === "cutOff") continue;
    if (end.kind === "ended" && end.outcome === "underWay") {
      world.clock.advance(pace?.gapMs ?? 0);
      continue;
    }
    if (end.kind === "ended" && isAtRest(end)) {
      if (next === null) break;
      world.clock.advance(next);
    } else {
      world.clock.advance(reactionMs);
    }
    if (world.clock.untilNext() === null) scenario.calm();
  }
  return reports;
}

/** What one drive did. */
export interface DriveReport {
  readonly end: DriveEnd | "cutOff";
  readonly events: readonly RolloutEvent[];
  readonly tookMs: number;
}

function isAtRest(end: Extract<DriveEnd, { kind: "ended" }>): boolean {
  return end.outcome !== "stopped" && end.outcome !== "interrupted";
}

async function oneDrive(
  scenario: Scenario,
  reporter: Reporter,
  pace?: Pace,
): Promise<DriveEnd | "cutOff"> {
  const { world, saved } = scenario;
  const signal = scenario.nextSignal();
  const savedBefore = saved.length;
  const metrics = new FakeMetrics((promql, at) => {
    world.linger();
    return world.answer(promql, at);
  });
  try {
    return await drive({
      clock: world.clock,
      stack: new FakeStack(world),
      traffic: new FakeTraffic(world),
      metrics,
      store: scenario.nextStore(),
      reporter,
      wanted: null,
      retry: false,
      once: pace?.once,
      stopAt: pace?.forMs === undefined ? undefined : world.clock.now() + pace.forMs,
      signal,
    });
  } catch (error) {
    if (error instanceof Crash) return "cutOff";
    // before it has begun, a drive that is interrupted has nothing to say
    if (error === signal.reason && saved.length === savedBefore) return "cutOff";
    throw error;
  }
}
