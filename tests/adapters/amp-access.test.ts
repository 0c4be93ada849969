import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AmpAccess } from "../../rollout/adapters/amp-access.ts";
import type { AwsCredentials } from "../../rollout/adapters/aws-signer.ts";
import { PrometheusClient } from "../../rollout/adapters/prometheus.ts";
import { waitUntil } from "../cluster/wait-until.ts";
import { signatureFault, type Known } from "../support/signature-v4.ts";
import { overlayEnvironment } from "../support/process-environment.ts";
import { AnsweringServer, type CannedAnswer } from "./answering-server.ts";

const never = new AbortController().signal;
const region = "eu-central-1";

const credentials: AwsCredentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "for-an-hour",
};

const oneSeries = JSON.stringify({
  status: "success",
  data: { resultType: "vector", result: [{ metric: {}, value: [1, "0.5"] }] },
});

describe("queries of Amazon Managed Prometheus", () => {
  let server: AnsweringServer;

  beforeEach(async () => {
    server = await AnsweringServer.start();
    server.answer = () => ({ body: oneSeries });
  });

  afterEach(() => server.close());

  function client(
    given: (() => Promise<AwsCredentials>) | undefined = () => Promise.resolve(credentials),
    timeoutMs = 5_000,
  ): PrometheusClient {
    const amp = new AmpAccess({ region, credentials: given });
    return new PrometheusClient({ address: `${server.address}/workspaces/ws-1/`, amp, timeoutMs });
  }

  async function unavailable(asking: PrometheusClient): Promise<string> {
    const sample = await asking.query("up", 0, never);
    // never a failed check: nothing was learned of the canary
    assert.ok(sample.kind === "unavailable", JSON.stringify(sample));
    for (const secret of [credentials.secretAccessKey, credentials.sessionToken ?? ""]) {
      assert.ok(!sample.message.includes(secret), sample.message);
    }
    return sample.message;
  }

  it("are signed for their region", async () => {
    const sample = await client().query('rate(x{a="b c+d"}[1m]) > 1', 0, never);
    assert.deepEqual(sample, { kind: "value", value: 0.5 });
    const [asked] = server.asked;
    assert.ok(asked !== undefined);
    assert.equal(asked.url, "/workspaces/ws-1/api/v1/query");
    const known: Known = { ...credentials, region, service: "aps" };
    assert.equal(signatureFault(asked, known, Date.now()), null);
    const elsewhere = { ...known, region: "eu-west-1" };
    assert.match(signatureFault(asked, elsewhere, Date.now()) ?? "", /valid region/);
  });

  const refusals: readonly (readonly [string, CannedAnswer, RegExp])[] = [
    [
      "throttled",
      { status: 429, body: '{"message":"Rate exceeded"}' },
      /^HTTP 429: AWS throttles .* longer interval .* \(Rate exceeded\)$/,
    ],
    [
      "refused for an expired token",
      { status: 403, body: '{"message":"The security token included in the request is expired"}' },
      /^HTTP 403: the AWS credentials have expired: renew them/,
    ],
    [
      "refused for a clock that is wrong",
      {
        status: 403,
        body: '{"message":"Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z"}',
      },
      /clock is not AWS's: set it right/,
    ],
    [
      "refused for another region",
      {
        status: 403,
        body: `{"message":"Credential should be scoped to a valid Region, not 'eu-central-1'."}`,
      },
      /not in region "eu-central-1": correct prometheus\.amp\.region$/,
    ],
    [
      "refused for keys that AWS does not know",
      { status: 403, body: '{"message":"The security token included in the request is invalid."}' },
      /AWS does not know these credentials/,
    ],
    [
      "refused for a right that is missing, which is named",
      {
        status: 403,
        body: '{"Message":"User: arn:aws:iam::1:user/ann is not authorized to perform: aps:QueryMetrics"}',
      },
      /lack the right aps:QueryMetrics on the workspace \(User: arn:aws:iam::1:user\/ann is not/,
    ],
    [
      "refused for a wrong signature, without what AWS computed",
      {
        status: 403,
        body: JSON.stringify({
          message:
            "The request signature we calculated does not match the signature you provided.\n" +
            "The Canonical String should have been 'x-amz-security-token:for-an-hour'",
        }),
      },
      /^HTTP 403: AWS computes another signature: the secret key/,
    ],
    [
      "refused without words",
      { status: 403, body: "{}" },
      /^HTTP 403: access refused: .* aps:QueryMetrics .* region "eu-central-1"$/,
    ],
    [
      "about a workspace that is not there",
      { status: 404, body: '{"message":"Workspace not found"}' },
      /region "eu-central-1" has no such workspace/,
    ],
    ["when AWS fails", { status: 503, body: "busy" }, /^HTTP 503: busy$/],
  ];
  for (const [name, answer, words] of refusals) {
    it(`are blind when ${name}`, async () => {
      server.answer = () => answer;
      assert.match(await unavailable(client()), words);
    });
  }

  it("are blind when there are no credentials, or none in time", async () => {
    const none = () => Promise.reject(new Error("Could not load credentials from any providers"));
    assert.match(await unavailable(client(none)), /^no AWS credentials \(Could not load/);
    const late = () => Promise.withResolvers<AwsCredentials>().promise;
    assert.equal(await unavailable(client(late, 50)), "no AWS credentials within 50 ms");
    assert.deepEqual(server.asked, []);
  });

  it("are interrupted while credentials are looked for", async () => {
    const interrupt = new AbortController();
    const asking = client(() => Promise.withResolvers<AwsCredentials>().promise);
    const sample = asking.query("up", 0, interrupt.signal);
    interrupt.abort();
    assert.deepEqual(await sample, { kind: "unavailable", message: "interrupted" });
  });

  it("say of a query that is wrong what Prometheus says", async () => {
    const error = { status: "error", errorType: "bad_data", error: "unexpected end of input" };
    server.answer = () => ({ status: 400, body: JSON.stringify(error) });
    assert.match((await client().checkQuery("sum(", never)) ?? "", /rejects .* unexpected end/);
  });

  describe("with the credentials that AWS's own chain finds", () => {
    const names = [
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "AWS_PROFILE",
      "AWS_CONFIG_FILE",
      "AWS_SHARED_CREDENTIALS_FILE",
      "AWS_EC2_METADATA_DISABLED",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ];
    let restore: () => void;
    let directory: string;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "upramp-aws-"));
      restore = overlayEnvironment({
        ...Object.fromEntries(names.map((name) => [name, undefined])),
        AWS_CONFIG_FILE: join(directory, "config"),
        AWS_SHARED_CREDENTIALS_FILE: join(directory, "credentials"),
        AWS_EC2_METADATA_DISABLED: "true",
      });
    });

    afterEach(async () => {
      restore();
      await rm(directory, { recursive: true });
    });

    function chained(): PrometheusClient {
      const amp = new AmpAccess({ region });
      return new PrometheusClient({ address: server.address, amp });
    }

    function usedKeys(): (string | undefined)[] {
      return server.asked.map(
        ({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? "")?.[1],
      );
    }

    it("take those of the environment", async () => {
      process.env["AWS_ACCESS_KEY_ID"] = "AKIDENVIRONMENT";
      process.env["AWS_SECRET_ACCESS_KEY"] = "secret";
      await chained().query("up", 0, never);
      assert.deepEqual(usedKeys(), ["AKIDENVIRONMENT"]);
    });

    /** A profile whose program gives credentials for a time, with a new key each time. */
    async function issueFor(minutes: number): Promise<void> {
      const program = join(directory, "issue.mjs");
      const counter = join(directory, "counter");
      await writeFile(counter, "");
      await writeFile(
        program,
        `import { appendFileSync, statSync } from "node:fs";
        appendFileSync(${JSON.stringify(counter)}, "x");
        console.log(JSON.stringify({
          Version: 1,
          AccessKeyId: "AKID" + statSync(${JSON.stringify(counter)}).size,
          SecretAccessKey: "secret",
          SessionToken: "token",
          Expiration: new Date(Date.now() + ${minutes * 60_000}).toISOString(),
        }));`,
      );
      const config = `[default]\ncredential_process = ${process.execPath} ${program}\n`;
      await writeFile(join(directory, "config"), config);
    }

    it("keep those that last, and renew those that are about to expire", async () => {
      await issueFor(60);
      const lasting = chained();
      await lasting.query("up", 0, never);
      await lasting.query("up", 0, never);
      assert.deepEqual(usedKeys(), ["AKID1", "AKID1"]);
      assert.equal(await readFile(join(directory, "counter"), "utf8"), "x");
      server.asked.length = 0;
      await issueFor(4);
      const expiring = chained();
      await expiring.query("up", 0, never);
      assert.deepEqual(usedKeys(), ["AKID1"]);
      // in the background, so that no query has to wait for it
      await waitUntil("another key is used", 10_000, async () => {
        await expiring.query("up", 0, never);
        return usedKeys().includes("AKID2");
      });
    });

    it("say that there are none", async () => {
      assert.match(await unavailable(chained()), /^no AWS credentials \(Could not load .*aws sso/);
      assert.deepEqual(server.asked, []);
    });
  });
});
