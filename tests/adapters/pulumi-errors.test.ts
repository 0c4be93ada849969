import assert from "node:assert/strict";
import { EngineEvents, explain, lockHolders } from "../../rollout/adapters/pulumi-errors.ts";

// Texts as CLI 3.255.0 printed them.
const lockedText = `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.
  file:///state/.pulumi/locks/organization/upramp/dev-podinfo/1111.json: created by ann@elsewhere (pid 4711) at 2026-11-24T09:00:00Z`;

const base = { sequence: 1, timestamp: 1 };

describe("what a failed Pulumi operation means", () => {
  it("names who holds the stack", () => {
    const failure = new EngineEvents().failure(new Error(lockedText));
    assert.equal(failure.kind, "locked");
    assert.match(failure.message, /ann@elsewhere \(pid 4711\)/);
    assert.deepEqual(lockHolders(lockedText), [{ host: "elsewhere", pid: 4711 }]);
  });

  it("tells a workload that did not come up from another resource", () => {
    for (const [type, kind] of [
      ["upramp:local:Process", "workload"],
      ["kubernetes:apps/v1:Deployment", "workload"],
      ["upramp:local:Route", "other"],
    ] as const) {
      const events = new EngineEvents();
      events.take({
        ...base,
        resOpFailedEvent: {
          metadata: { op: "create", urn: "u", type, provider: "" },
          status: 0,
          steps: 1,
        },
      });
      assert.equal(events.failure(new Error("x")).kind, kind);
    }
  });

  it("calls a violated mandatory policy by its name, and an advisory one nothing", () => {
    const policy = {
      message: "<{%fg 1%}>weights add up to 90<{%reset%}>",
      color: "never",
      policyName: "require-whole-weights",
      policyPackName: "p",
      policyPackVersion: "1",
      policyPackVersionTag: "1",
      resourceUrn: "urn:route",
    };
    const advisory = new EngineEvents();
    advisory.take({ ...base, policyEvent: { ...policy, enforcementLevel: "warning" } });
    assert.equal(advisory.failure(new Error("x")).kind, "other");
    const mandatory = new EngineEvents();
    mandatory.take({ ...base, policyEvent: { ...policy, enforcementLevel: "mandatory" } });
    assert.deepEqual(mandatory.failure(new Error("x")), {
      kind: "policy",
      message: "require-whole-weights: weights add up to 90 (urn:route)",
    });
  });

  it("shows what a program threw without its stack trace, once", () => {
    const events = new EngineEvents();
    const message =
      "Unhandled exception: ContractError: upramp:rollout.steps[1] = 101: too big\n    at parse (file:///x.ts:1:1)";
    for (let times = 0; times < 2; times += 1) {
      events.take({
        ...base,
        diagnosticEvent: { message, severity: "error", color: "never" },
      });
    }
    assert.equal(events.failure(new Error("x")).message, "upramp:rollout.steps[1] = 101: too big");
  });

  const thrown = [
    [
      "[CanaryService \"podinfo\".replicas = -2: too small\nand more] {\n  name: 'ContractError'\n}",
      'CanaryService "podinfo".replicas = -2: too small\nand more',
    ],
    [
      "<ref *1> Error: Cannot find package 'x'\n    at a (node:internal:1:1)\n    at b (node:internal:2:2) {\n  code: 'E'\n}",
      "Cannot find package 'x'",
    ],
    [
      "file:///their/index.ts:59\n\nconst = 1;\n      ^\n\nSyntaxError: Unexpected token\n    at c (node:internal:1:1)",
      "file:///their/index.ts:59\n\nconst = 1;\n      ^\n\nSyntaxError: Unexpected token",
    ],
    [
      "Error: no shop\n    at d (x:1:1) {\n  [cause]: Error: connect ECONNREFUSED\n      at e (x:1:1) {\n    errno: -111\n  }\n}",
      "no shop\n  because: Error: connect ECONNREFUSED",
    ],
  ] as const;
  for (const [text, shown] of thrown) {
    it(`shows of a program that the CLI ran: ${shown.split("\n")[0]}`, () => {
      const events = new EngineEvents();
      const message = `<{%reset%}>Running program '/their/index.ts' failed with an unhandled exception:\n${text}<{%reset%}>\n`;
      events.take({ ...base, diagnosticEvent: { message, severity: "error", color: "never" } });
      assert.equal(events.failure(new Error("x")).message, `/their/index.ts: ${shown}`);
    });
  }

  it("says what to do about a right that is missing, in the words of who refused it", () => {
    const events = new EngineEvents();
    const words =
      'httproutes.gateway.networking.k8s.io "shop" is forbidden: User "ann" cannot patch resource "httproutes"';
    const message = `1 error occurred:\n\t* ${words}\n\n`;
    events.take({ ...base, diagnosticEvent: { message, severity: "error", color: "never" } });
    assert.equal(
      events.failure(new Error("x")).message,
      `${words}. Give that user this right; docs/routers.md lists all that it needs`,
    );
  });

  it("says which variable to set for the passphrase", () => {
    assert.match(explain("error: incorrect passphrase") ?? "", /PULUMI_CONFIG_PASSPHRASE/);
    assert.match(explain("error: passphrase must be set with …") ?? "", /PULUMI_CONFIG_PASSPHRASE/);
    assert.equal(explain("something else"), null);
  });
});
