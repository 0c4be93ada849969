import assert from "node:assert/strict";
import { AwsSigner } from "../../rollout/adapters/aws-signer.ts";
import { signatureFault, type Known, type SignedRequest } from "../support/signature-v4.ts";

/** The keys, the time and the place of all of AWS's published examples. */
const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const at = new Date("2015-08-30T12:36:00Z");
const region = "us-east-1";

interface Published {
  readonly name: string;
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

/** Of the test suite for Signature Version 4, and of its description in the IAM user guide. */
const published: readonly Published[] = [
  {
    name: "get-vanilla",
    service: "service",
    method: "GET",
    url: "https://example.amazonaws.com/",
    signedHeaders: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-query-order-key-case",
    service: "service",
    method: "GET",
    url: "https://example.amazonaws.com/?Param2=value2&Param1=value1",
    signedHeaders: "host;x-amz-date",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "post-vanilla",
    service: "service",
    method: "POST",
    url: "https://example.amazonaws.com/",
    signedHeaders: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "post-x-www-form-urlencoded",
    service: "service",
    method: "POST",
    url: "https://example.amazonaws.com/",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Param1=value1",
    signedHeaders: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
  {
    name: "ListUsers of IAM",
    service: "iam",
    method: "GET",
    url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    signedHeaders: "content-type;host;x-amz-date",
    signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  },
];

for (const { name, service, method, url, headers = {}, body = "", ...expected } of published) {
  describe(`AWS's example ${name}`, () => {
    const scope = `AKIDEXAMPLE/20150830/${region}/${service}/aws4_request`;
    const authorization =
      `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${expected.signedHeaders}, ` +
      `Signature=${expected.signature}`;

    it("is signed as published", async () => {
      const signer = new AwsSigner({
        service,
        region,
        credentials: () => Promise.resolve(credentials),
      });
      const signed = await signer.sign({ method, url: new URL(url), headers, body }, at);
      assert.equal(signed["authorization"], authorization);
      assert.equal(signed["x-amz-date"], "20150830T123600Z");
      assert.equal(signed["host"], undefined);
    });

    it("is let in by what checks signatures here, and nothing that differs is", () => {
      const { host, pathname, search } = new URL(url);
      const own = { ...headers, host, "x-amz-date": "20150830T123600Z", authorization };
      const request: SignedRequest = { method, url: pathname + search, headers: own, body };
      const known: Known = { ...credentials, region, service };
      const fault = (changes: Partial<SignedRequest>): string | null =>
        signatureFault({ ...request, ...changes }, known, at.getTime());
      assert.equal(fault({}), null);
      for (const changes of [
        { method: "PUT" },
        { url: "/other" },
        { url: "/?Param1=other" },
        { body: `${body}x` },
        { headers: { ...own, host: "example.org" } },
      ]) {
        assert.match(fault(changes) ?? "", /does not match/, JSON.stringify(changes));
      }
      const unsigned = { headers: { ...own, "x-amz-target": "more" } };
      assert.match(fault(unsigned) ?? "", /has to be signed/);
    });
  });
}

describe("the signature of a request", () => {
  it("has the session token of credentials for a time", async () => {
    const signer = new AwsSigner({
      service: "aps",
      region,
      credentials: () => Promise.resolve({ ...credentials, sessionToken: "for-an-hour" }),
    });
    const request = { method: "GET", url: new URL("https://example.com/"), headers: {}, body: "" };
    const signed = await signer.sign(request, at);
    assert.equal(signed["x-amz-security-token"], "for-an-hour");
    assert.match(
      signed["authorization"] ?? "",
      /SignedHeaders=host;x-amz-date;x-amz-security-token/,
    );
  });

  it("says what to do without credentials", async () => {
    const signer = new AwsSigner({
      service: "aps",
      region,
      credentials: () => Promise.reject(new Error("Could not load credentials from any providers")),
    });
    const request = { method: "GET", url: new URL("https://example.com/"), headers: {}, body: "" };
    await assert.rejects(
      signer.sign(request),
      /no AWS credentials \(Could not load .*\): sign in with `aws sso login`, or set AWS_PROFILE/,
    );
  });
});
