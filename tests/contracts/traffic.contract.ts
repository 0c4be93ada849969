import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Weights } from "../../rollout/core/assignment.ts";
import type { Readiness } from "../../rollout/core/decide.ts";
import type { Traffic, TrafficReader } from "../../rollout/ports.ts";
import { waitUntil } from "../cluster/wait-until.ts";

/** A router with two workloads in slot blue, all ready, and none in green; blue has all requests. */
export interface RouterUnderTest {
  readonly reader: TrafficReader;
  /** Sets the split at the router itself. */
  split(weights: Weights): Promise<void>;
  /** How many of blue's two workloads are ready. */
  ready(count: 0 | 1 | 2): Promise<void>;
  unreachable(): Promise<void>;
  close(): Promise<void>;
}

/** Without the words that some readers have for what is not ready. */
function counted({ ready: both }: Traffic): Traffic["ready"] {
  if (both === null) return null;
  const of = ({ ready, wanted }: Readiness): Readiness => ({ ready, wanted });
  return { blue: of(both.blue), green: of(both.green) };
}

/** What every TrafficReader keeps. */
export function trafficContract(makeRouter: () => Promise<RouterUnderTest>): void {
  let router: RouterUnderTest;
  const never = new AbortController().signal;

  before(async function () {
    this.timeout(600_000);
    router = await makeRouter();
  });

  after(() => router.close());

  /** A router follows in its own time; the bound is far above it. */
  async function shows(expected: Partial<Traffic>): Promise<void> {
    let last: Traffic | null = null;
    await waitUntil(
      JSON.stringify(expected),
      8_000,
      async () => {
        last = await router.reader.read(never);
        const seen = { weights: last.weights, ready: counted(last) };
        return isDeepStrictEqual({ ...seen, ...expected }, seen);
      },
      () => JSON.stringify(last),
    );
  }

  it("reads the split and who is ready", () =>
    shows({
      weights: { blue: 100, green: 0 },
      ready: { blue: { ready: 2, wanted: 2 }, green: { ready: 0, wanted: 0 } },
    }));

  it("reads each split that the router is given, there and back", async () => {
    for (const green of [1, 50, 100, 99, 0]) {
      const weights = { blue: 100 - green, green };
      await router.split(weights);
      await shows({ weights });
    }
  });

  it("sees a workload that is not ready any more, and then the other", async () => {
    await router.ready(1);
    await shows({ ready: { blue: { ready: 1, wanted: 2 }, green: { ready: 0, wanted: 0 } } });
    await router.ready(0);
    await shows({ ready: { blue: { ready: 0, wanted: 2 }, green: { ready: 0, wanted: 0 } } });
  });

  async function showsNothing(signal: AbortSignal): Promise<void> {
    const { weights, ready } = await router.reader.read(signal);
    assert.deepEqual({ weights, ready }, { weights: null, ready: null });
  }

  it("gives nothing, and does not reject, once its signal is aborted", () =>
    showsNothing(AbortSignal.abort()));

  it("gives nothing, and does not reject, when the router is out of reach", async () => {
    await router.unreachable();
    await showsNothing(never);
  });
}
