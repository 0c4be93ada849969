import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { Traffic } from "../../../rollout/ports.ts";
import { sameWeights, type Slot, type Weights } from "../../../rollout/core/assignment.ts";
import type { TrafficReader } from "../../../rollout/ports.ts";
import { waitUntil } from "../wait-until.ts";
import { versions } from "./slot-objects.ts";

/** A router, a way to ask it, and a way to change it. */
export interface Measured {
  readonly reader: TrafficReader;
  /** Answered by whichever slot the router picks. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly split: (weights: Weights) => Promise<void>;
}

const changes = 10;
/** A router follows in tens of milliseconds; the bound is for a machine that is busy. */
const boundMs = 10_000;
/** The status and the data plane are written by one controller, in no promised order. */
const medianLagMsMax = 250;

const never = new AbortController().signal;

/** Resolves when the reader shows a split. */
export async function untilShown(reader: TrafficReader, weights: Weights): Promise<void> {
  let last = "";
  await waitUntil(
    `the split ${JSON.stringify(weights)} is shown`,
    30_000,
    async () => {
      const seen = await reader.read(never);
      last = JSON.stringify(seen);
      return seen.weights !== null && sameWeights(seen.weights, weights);
    },
    () => last,
  );
}

/** Reads what is in the way too. */
interface ObstacleReader {
  read(signal: AbortSignal): Promise<Traffic>;
}

/** Resolves when there is no split to read, and the words for it match. */
export async function untilObstructed(reader: ObstacleReader, words: RegExp): Promise<void> {
  let last: Traffic | undefined;
  await waitUntil(
    `the obstacle ${words}`,
    boundMs,
    async () => {
      last = await reader.read(never);
      return last.weights === null && words.test(last.obstacle ?? "");
    },
    () => JSON.stringify(last),
  );
}

/**
 * Moves all requests from slot to slot, and takes the times from the write to the read-back and to the first answer of
 * the new slot. Fails when a split is shown and requests still do not follow it.
 */
export async function measureReadBack(measured: Measured): Promise<void> {
  const { split, reader } = measured;
  const agent = new Agent({ keepAlive: true });
  const shownMs: number[] = [];
  const answeredMs: number[] = [];
  try {
    await split({ blue: 100, green: 0 });
    await untilAnswered(measured, agent, "blue");
    for (let change = 0; change < changes; change += 1) {
      const slot = change % 2 === 0 ? "green" : "blue";
      const weights = slot === "green" ? { blue: 0, green: 100 } : { blue: 100, green: 0 };
      await split(weights);
      const writtenAt = performance.now();
      const since = (): number => performance.now() - writtenAt;
      await Promise.all([
        untilShown(reader, weights).then(() => shownMs.push(since())),
        untilAnswered(measured, agent, slot).then(() => answeredMs.push(since())),
      ]);
    }
  } finally {
    agent.destroy();
  }
  const lagMs = shownMs.map((ms, index) => (answeredMs[index] ?? Infinity) - ms);
  console.log(`      from write to read-back, in ms: ${rounded(shownMs)}`);
  console.log(`      from write to first answer, in ms: ${rounded(answeredMs)}`);
  const median = lagMs.toSorted((one, other) => one - other)[changes / 2] ?? Infinity;
  assert.ok(median < medianLagMsMax, `requests follow ${median} ms after the read-back`);
}

async function untilAnswered({ url, headers }: Measured, agent: Agent, slot: Slot): Promise<void> {
  const deadline = performance.now() + boundMs;
  let last = "";
  while (performance.now() < deadline) {
    const sent = request(url, { headers, agent, signal: AbortSignal.timeout(boundMs) });
    sent.end();
    // the event's one argument
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    last = await text(response);
    if (last.includes(`"version":"${versions[slot]}"`)) return;
  }
  throw new Error(`no answer of slot ${slot} within ${boundMs} ms; last: ${last}`);
}

function rounded(numbers: readonly number[]): string {
  return numbers.map(Math.round).join(" ");
}
