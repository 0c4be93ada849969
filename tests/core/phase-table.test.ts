import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Decision } from "../../rollout/core/decide.ts";
import type { RolloutSpec } from "../../rollout/core/spec.ts";
import {
  dead,
  limits,
  partial,
  readyIn,
  record,
  revision,
  step,
  Story,
} from "../support/builders.ts";

/** The table in docs/architecture.md, row by row, against what `decide` does. */

const home = { blue: 100, green: 0 };
const drifted = { blue: 90, green: 10 };
const unready = readyIn("green", partial);
const nothingReady = readyIn("green", dead);
const locked = { kind: "locked", message: "another update" } as const;
const broken = { kind: "other", message: "exit status 255" } as const;
const holding = { steps: [step(20, { hold: true }), step(50)] };
const holdingLast = { steps: [step(20, { hold: true })] };
const impatient = limits({ attemptsMax: 1 });

const deploying = (): Story => new Story().deployed();
const stepping = (more: Partial<RolloutSpec> = {}): Story => new Story(more).atStep(0);
const waiting = (more: Partial<RolloutSpec> = holding): Story => new Story(more).held();
const promoting = (): Story => new Story().promoting();
const baking = (more: Partial<RolloutSpec> = {}): Story => new Story(more).baking();
const goingBack = (): Story => new Story().goingBack();

/** Deployment is saved and is to be tried. */
function toDeploy(): Story {
  const story = new Story();
  story.look();
  return story;
}

/** The way back is saved and is to be tried. */
function toGoBack(): Story {
  const story = stepping();
  story.look({ command: "rollback" });
  return story;
}

/** The requests are back, the canary is drained and its removal is done. */
function canaryRemoved(): Story {
  const story = goingBack();
  story.look();
  story.pass(1_000).look();
  return story.act();
}

function oldRemoved(): Story {
  const story = baking().pass(30_000);
  story.look();
  return story.act();
}

/** The wish changed at a step and the requests are back at the primary. */
function restarting(): Story {
  const story = stepping().wish("v3");
  story.look();
  return story.act();
}

function repeat(count: number, act: () => Decision): Decision {
  for (let left = count; left > 1; left -= 1) act();
  return act();
}

const rows: Readonly<Record<string, () => Decision>> = {
  "at rest: the primary is what is wanted": () => new Story({}, record("v1", "v1")).look(),
  "at rest: the wanted one failed before": () => {
    const failed = { ...revision("v2"), why: { kind: "canaryLost" } } as const;
    return new Story({}, { ...record(), failed }).look();
  },
  "at rest: something else is wanted": () => new Story().look(),
  "at rest: any command": () => new Story().look({ command: "rollback" }),

  "deploying: rollback is asked": () => deploying().look({ command: "rollback" }),
  "deploying: the primary's revision is wanted": () => deploying().wish("v1").look(),
  "deploying: another revision is wanted": () => {
    const story = deploying().wish("v3");
    story.look();
    return story.pass(1_000).look();
  },
  "deploying: another revision is wanted, the router is not back yet": () =>
    restarting().look({ weights: drifted }),
  "deploying: another revision is wanted, requests still under way": () => {
    const story = restarting();
    story.look();
    return story.pass(999).look();
  },
  "deploying: over the rollout's time": () => deploying().pass(3_600_001).look(),
  "deploying: the router cannot be read yet": () => deploying().look({ weights: null }),
  "deploying: … for longer than readBack": () => deploying().pass(30_001).look({ weights: null }),
  "deploying: somebody else moved the weights": () => {
    const story = deploying();
    story.look(unready);
    return story.look({ ...unready, weights: drifted });
  },
  "deploying: the canary is not fully ready": () => deploying().look(unready),
  "deploying: … for longer than ready": () => deploying().pass(120_001).look(unready),
  "deploying: the canary is fully ready": () => deploying().look(),

  "at a step: rollback is asked": () => stepping().look({ command: "rollback" }),
  "at a step: the primary's revision is wanted": () => stepping().wish("v1").look(),
  "at a step: another revision is wanted": () => stepping().wish("v3").look(),
  "at a step: over the rollout's time": () => stepping().pass(3_600_001).look(),
  "at a step: nothing of the canary is ready": () => stepping().look(nothingReady),
  "at a step: the router does not show the split yet": () => toStep().look({ weights: home }),
  "at a step: … for longer than readBack": () => toStep().pass(30_001).look({ weights: home }),
  "at a step: the router shows the split": () => toStep().look(),
  "at a step: somebody else moved the weights": () => stepping().look({ weights: drifted }),
  "at a step: … more often than attempts": () => {
    const story = stepping(impatient);
    story.look({ weights: drifted });
    story.act().look();
    return story.look({ weights: drifted });
  },
  "at a step: the canary is not fully ready for longer than ready": () => {
    const story = stepping();
    story.look(unready);
    return story.pass(120_001).look(unready);
  },
  "at a step: `promote --full`, the canary is fully ready": () =>
    stepping().look({ command: "promoteFull" }),
  "at a step: `promote --full`, it is not": () =>
    stepping().look({ command: "promoteFull", ...unready }),
  "at a step: `promote`": () => stepping().look({ command: "promote" }),
  "at a step: no check is due": () => stepping().look(),
  "at a step: no check is due, enough have passed, the canary is not fully ready": () => {
    const story = stepping();
    story.check("pass", unready);
    return story.pass(500).look(unready);
  },
  "at a step: a failed check": () => stepping().check("fail"),
  "at a step: … as many as the threshold": () => {
    const story = stepping();
    return repeat(3, () => story.check("fail"));
  },
  "at a step: … but nothing of the primary is ready": () =>
    stepping({ failedChecksMax: 1 }).check("fail", readyIn("blue", dead)),
  "at a step: a blind check": () => stepping().check("inconclusive"),
  "at a step: … as many in a row as blindChecks": () => {
    const story = stepping();
    return repeat(4, () => story.check("error"));
  },
  "at a step: a passed check, more are needed": () =>
    stepping({ steps: [step(20, { checks: 2 })] }).check("pass"),
  "at a step: a passed check, enough, the canary is not fully ready": () =>
    stepping().check("pass", unready),
  "at a step: a passed check, enough, the step holds": () => stepping(holding).check("pass"),
  "at a step: a passed check, enough, a higher step follows": () => stepping().check("pass"),
  "at a step: a passed check, enough, it was the last step": () =>
    new Story().atStep(1).check("pass"),

  "waiting: rollback is asked": () => waiting().look({ command: "rollback" }),
  "waiting: the primary's revision is wanted": () => waiting().wish("v1").look(),
  "waiting: another revision is wanted": () => waiting().wish("v3").look(),
  "waiting: over the rollout's time": () => waiting().pass(3_600_001).look(),
  "waiting: nothing of the canary is ready": () => waiting().look(nothingReady),
  "waiting: somebody else moved the weights": () => waiting().look({ weights: home }),
  "waiting: `promote --full`": () => waiting().look({ command: "promoteFull" }),
  "waiting: `promote`, the canary is not fully ready": () =>
    waiting().look({ command: "promote", ...unready }),
  "waiting: `promote`, a higher step follows": () => waiting().look({ command: "promote" }),
  "waiting: `promote` after the last step": () => waiting(holdingLast).look({ command: "promote" }),
  "waiting: … but the last check did not pass": () => {
    const story = waiting(holdingLast);
    story.check("inconclusive");
    return story.look({ command: "promote" });
  },
  "waiting: a failed check": () => waiting().check("fail"),
  "waiting: … as many as the threshold": () => {
    const story = waiting();
    return repeat(3, () => story.check("fail"));
  },
  "waiting: a blind check": () => waiting().check("error"),
  "waiting: anything else": () => waiting().check("pass"),

  "promoting: rollback is asked": () => promoting().look({ command: "rollback" }),
  "promoting: the primary's revision is wanted": () => promoting().wish("v1").look(),
  "promoting: `promote`": () => promoting().look({ command: "promote" }),
  "promoting: nothing of the new revision is ready": () => promoting().look(nothingReady),
  "promoting: the router does not show it yet": () => promoting().look({ weights: drifted }),
  "promoting: … for longer than readBack": () =>
    promoting().pass(30_001).look({ weights: drifted }),
  "promoting: the router shows it": () => promoting().look(),

  "baking: rollback is asked": () => baking().look({ command: "rollback" }),
  "baking: the primary's revision is wanted": () => baking().wish("v1").look(),
  "baking: `promote`": () => baking().look({ command: "promote" }),
  "baking: nothing of the new revision is ready": () => baking().look(nothingReady),
  "baking: somebody else moved the weights": () => baking().look({ weights: drifted }),
  "baking: a failed check": () => baking().check("fail"),
  "baking: … as many as the threshold": () => {
    const story = baking({ bakeMs: 60_000 });
    return repeat(3, () => story.check("fail"));
  },
  "baking: any other check, or none": () => baking().check("inconclusive"),
  "baking: the time is over": () => baking().pass(30_000).look(),
  "removing the old slot: any command": () => oldRemoved().look({ command: "rollback" }),
  "removing the old slot: it is done": () => oldRemoved().look(),
  "removing the old slot: it is done, and something newer is wanted": () =>
    oldRemoved().wish("v3").look(),

  "going back: any command": () => goingBack().look({ command: "rollback" }),
  "going back: the router does not show it yet": () => goingBack().look({ weights: drifted }),
  "going back: … for longer than readBack": () =>
    goingBack().pass(30_001).look({ weights: drifted }),
  "going back: … as often as attempts": () => {
    const story = new Story(impatient).goingBack();
    return story.pass(30_001).look({ weights: drifted });
  },
  "going back: it showed it, and somebody else moved the weights": () => {
    const story = goingBack();
    story.look();
    return story.look({ weights: drifted });
  },
  "going back: the router shows it": () => goingBack().look(),
  "going back: requests still under way": () => {
    const story = goingBack();
    story.look();
    return story.pass(999).look();
  },
  "going back: the drain time is over": () => {
    const story = goingBack();
    story.look();
    return story.pass(1_000).look();
  },
  "removing the canary: it is done": () => canaryRemoved().look(),
  "removing the canary: it is done, and something newer is wanted": () =>
    canaryRemoved().wish("v3").look(),

  "action pending: it was not tried yet": () => toDeploy().look(),
  "action pending: a step forward, rollback is asked": () =>
    toDeploy().look({ command: "rollback" }),
  "action pending: a step forward, the primary's revision is wanted": () =>
    toDeploy().wish("v1").fail(locked),
  "action pending: a step forward violates a policy": () =>
    toDeploy().fail({ kind: "policy", message: "no" }),
  "action pending: a step forward, and the workload cannot start": () =>
    toDeploy().fail({ kind: "workload", message: "exited" }),
  "action pending: the stack is locked": () => toDeploy().fail(locked),
  "action pending: … as often as attempts": () => {
    const story = toDeploy();
    return repeat(5, () => story.fail(locked));
  },
  "action pending: anything else failed": () => toDeploy().fail(broken),
  "action pending: … a step forward, as often as attempts": () => {
    const story = toDeploy();
    return repeat(5, () => story.fail(broken));
  },
  "action pending: … any other action, as often as attempts": () => {
    const story = toGoBack();
    return repeat(5, () => story.fail(broken));
  },
};

/** The first step's weight was sent; nothing was looked at since. */
function toStep(): Story {
  const story = deploying();
  story.look();
  return story.act();
}

interface Row {
  readonly name: string;
  readonly reason: string;
  readonly action: string;
  readonly next: string;
}

/** Rows of the table between the two markers of the page. */
function documented(): readonly Row[] {
  const page = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const [, table = ""] =
    /<!-- phase table -->([\s\S]*?)<!-- end of phase table -->/.exec(page) ?? [];
  const lines = table.trim().split("\n").slice(2);
  let phase = "";
  return lines.map((line) => {
    const [, where = "", seen = "", reason = "", action = "", next = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    phase = where === "" ? phase : where;
    return { name: `${phase}: ${seen}`, reason, action, next };
  });
}

function outcome(name: string, { record: after, reason, outcome: how }: Decision): Row {
  const { state, pending } = after;
  const next = how === "continue" ? state.phase : `${state.phase}, ${how}`;
  const action = pending === null || pending.attempts > 0 ? "" : pending.action.kind;
  return { name, reason: reason.kind, action, next };
}

describe("the phase table", () => {
  const table = documented();

  it("has every row that is tried here, and no other", () => {
    assert.deepEqual(
      table.map(({ name }) => name),
      Object.keys(rows),
    );
  });

  for (const row of table) {
    it(row.name, () => {
      const story = rows[row.name];
      assert.ok(story !== undefined, `no story for the row "${row.name}"`);
      assert.deepEqual(outcome(row.name, story()), row);
    });
  }
});
