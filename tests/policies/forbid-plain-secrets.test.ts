import assert from "node:assert/strict";
import { credentialOf } from "../../policies/credentials.ts";
import { forbidPlainSecrets } from "../../policies/forbid-plain-secrets.ts";
import { resourceViolations, unknownText } from "./rule-args.ts";

const digits = (count: number): string => "0123456789".repeat(9).slice(0, count);

describe("a credential", () => {
  for (const [name, value] of [
    ["DB_PASSWORD", "hunter22"],
    ["githubToken", "abcdef"],
    ["api-key", "abcdef"],
    ["SECRET_KEY_BASE", "abcdef"],
    ["AWS_SECRET_ACCESS_KEY", "abcdef"],
    ["ANYTHING", "-----BEGIN RSA PRIVATE KEY-----\nMII"],
    ["ANYTHING", `key AKIA${"A".repeat(16)}`],
    ["ANYTHING", `ghp_${digits(36)}`],
    ["ANYTHING", `glpat-${digits(20)}`],
    ["ANYTHING", `xoxb-${digits(12)}`],
    ["ANYTHING", `sk_live_${digits(24)}`],
    ["ANYTHING", `AIza${digits(35)}`],
    ["ANYTHING", `pul-${digits(40)}`],
    ["ANYTHING", `eyJ${digits(20)}.eyJ${digits(20)}.${digits(20)}`],
    ["DATABASE_URL", "postgres://ann:hunter22@db:5432/shop"],
  ] as const) {
    it(`is ${name}=${value.slice(0, 24).replaceAll("\n", " ")}`, () => {
      const kind = credentialOf(name, value);
      assert.ok(kind !== null);
      assert.ok(!kind.includes(value));
    });
  }

  for (const [name, value] of [
    ["DB_PASSWORD", ""],
    ["DB_PASSWORD", "$(DB_PASSWORD)"],
    ["DB_PASSWORD", "${DB_PASSWORD}"],
    ["DB_PASSWORD_FILE", "hunter22"],
    ["DB_PASSWORD", "/run/secrets/db"],
    ["SECRET_NAME", "shop-db"],
    ["TOKEN_TTL", "3600s"],
    ["REQUIRE_TOKEN", "true"],
    ["MAX_TOKEN", "4096"],
    ["TOKENIZER", "words"],
    ["PASSWORDLESS", "yes please"],
    ["DATABASE_URL", "postgres://ann@db:5432/shop"],
    ["DATABASE_URL", "postgres://ann:$(PASSWORD)@db:5432/shop"],
    ["VERSION", "sha256:0123456789abcdef"],
    ["MONKEY", "banana"],
  ] as const) {
    it(`is not ${name}=${value}`, () => {
      assert.equal(credentialOf(name, value), null);
    });
  }
});

describe("forbid-plain-secrets", () => {
  const type = "kubernetes:apps/v1:Deployment";
  function judged(container: object, config: object = {}): readonly string[] {
    const spec = { template: { spec: { containers: [{ name: "web", ...container }] } } };
    return resourceViolations(forbidPlainSecrets, type, { spec }, config);
  }
  const secret = { secretKeyRef: { name: "db", key: "password" } };

  it("lets a variable pass that comes from a Secret, and one that a preview does not know", () => {
    const env = [
      { name: "DB_PASSWORD", valueFrom: secret },
      { name: "API_KEY", value: unknownText },
    ];
    assert.deepEqual(judged({ env }), []);
  });

  it("stops a variable in plain, without repeating it", () => {
    const [message = "no violation", ...more] = judged({
      env: [{ name: "DB_PASSWORD", value: "hunter22" }],
    });
    assert.match(message, /^containers\[0\] \("web"\)\.env DB_PASSWORD seems to be a credential/);
    assert.ok(!message.includes("hunter22"));
    assert.deepEqual(more, []);
  });

  it("stops it in a command line", () => {
    for (const part of ["command", "args"]) {
      const found = judged({
        [part]: ["serve", "--db-password=hunter22", `--key=ghp_${digits(36)}`],
      });
      assert.equal(found.length, 2);
      assert.match(found[0] ?? "", new RegExp(`\\.${part}\\[1\\] seems to be`));
      assert.deepEqual(judged({ [part]: ["serve", "--db-password=/run/db", "--port=80"] }), []);
    }
  });

  it("stops it in a ConfigMap, and not in a Secret", () => {
    const props = { data: { "db.password": "hunter22", "app.yaml": "port: 80" } };
    const found = resourceViolations(forbidPlainSecrets, "kubernetes:core/v1:ConfigMap", props);
    assert.deepEqual(found.length, 1);
    assert.match(found[0] ?? "", /^data\.db\.password seems to be/);
    assert.deepEqual(
      resourceViolations(forbidPlainSecrets, "kubernetes:core/v1:Secret", props),
      [],
    );
  });

  it("stops it in a process of this machine", () => {
    const props = { env: { API_TOKEN: "abcdef", VERSION: "1" }, args: ["--token=abcdef"] };
    const found = resourceViolations(forbidPlainSecrets, "upramp:local:Process", props);
    assert.deepEqual(
      found.map((message) => message.split(" ")[0]),
      ["env.API_TOKEN", "args[0]"],
    );
  });

  it("leaves out names and objects that its configuration names", () => {
    const env = [{ name: "DB_PASSWORD", value: "hunter22" }];
    assert.deepEqual(judged({ env }, { allowedNames: ["DB_*"] }), []);
    assert.deepEqual(judged({ env }, { exemptNamespaces: ["default"] }), []);
    assert.equal(judged({ env }, { allowedNames: ["PASSWORD"] }).length, 1);
  });
});
