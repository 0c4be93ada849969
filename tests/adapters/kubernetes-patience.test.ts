import assert from "node:assert/strict";
import sinon from "sinon";
import { patiently } from "../../rollout/adapters/kubernetes-patience.ts";
import { OperationError, UserError } from "../../rollout/errors.ts";

const never = new AbortController().signal;

describe("patience with an API server that is away", () => {
  it("tries until there is an answer", async () => {
    const attempt = sinon.stub<[], Promise<string>>();
    attempt.onCall(0).rejects(new OperationError("away"));
    attempt.onCall(1).rejects(new OperationError("away"));
    attempt.resolves("here");
    assert.equal(await patiently(never, attempt), "here");
    assert.equal(attempt.callCount, 3);
  });

  it("does not try again what is refused", async () => {
    const attempt = sinon.stub<[], Promise<string>>().rejects(new UserError("forbidden"));
    await assert.rejects(patiently(never, attempt), { message: "forbidden" });
    assert.equal(attempt.callCount, 1);
  });

  it("ends as soon as the lock is lost, with the last error and for how long it was tried", async () => {
    const lost = new AbortController();
    const attempt = sinon.stub<[], Promise<string>>().rejects(new OperationError("away"));
    const startedAt = performance.now();
    setTimeout(() => lost.abort(), 150);
    await assert.rejects(patiently(lost.signal, attempt), {
      name: "OperationError",
      message: /^away \(tried for 0\.\d s\)$/,
    });
    assert.ok(performance.now() - startedAt < 1_000);
  });
});
