import assert from "node:assert/strict";
import { credentialsFromEnvironment } from "../../rollout/adapters/prometheus-credentials.ts";

const [token, user, password] = [
  "UPRAMP_PROMETHEUS_TOKEN",
  "UPRAMP_PROMETHEUS_USER",
  "UPRAMP_PROMETHEUS_PASSWORD",
] as const;

describe("credentials for Prometheus", () => {
  it("are none when nothing is set, or only blanks", () => {
    assert.equal(credentialsFromEnvironment({}), undefined);
    assert.equal(credentialsFromEnvironment({ [token]: "", [user]: " " }), undefined);
  });

  it("are a token, or a user with a password", () => {
    assert.deepEqual(credentialsFromEnvironment({ [token]: "t\n" }), {
      kind: "bearer",
      token: "t",
    });
    assert.deepEqual(credentialsFromEnvironment({ [user]: "u", [password]: "p" }), {
      kind: "basic",
      user: "u",
      password: "p",
    });
  });

  for (const [environment, words] of [
    [{ [token]: "t", [user]: "u" }, /unset one/],
    [{ [user]: "u" }, /UPRAMP_PROMETHEUS_PASSWORD is not set/],
    [{ [password]: "p" }, /UPRAMP_PROMETHEUS_USER is not set/],
  ] as const) {
    it(`are refused when they are ${Object.keys(environment).join(" and ")} alone`, () => {
      assert.throws(() => credentialsFromEnvironment(environment), {
        name: "UserError",
        message: words,
      });
    });
  }
});
