import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A request as a server got it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Whom a server knows, and what for. */
export interface Known {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly service: string;
}

/** How far clocks may be apart, as for AWS. */
const skewMaxMs = 5 * 60_000;

/**
 * Why a request is not let in, in AWS's words; null when its Signature Version 4 is right. Written from AWS's
 * documentation and nothing else, so that it can tell whether what signs is right.
 */
export function signatureFault(request: SignedRequest, known: Known, now: number): string | null {
  const authorization = header(request, "authorization");
  if (authorization === "") return "Missing Authentication Token";
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  const [, credential = "", names = "", signature = ""] = parts ?? [];
  if (parts === null) return "IncompleteSignatureException";
  const [accessKeyId, day = "", region, service, end] = credential.split("/");
  if (end !== "aws4_request" || service !== known.service) {
    return `Credential should be scoped to correct service: '${known.service}'.`;
  }
  if (region !== known.region) return `Credential should be scoped to a valid region.`;
  if (accessKeyId !== known.accessKeyId) {
    return "The security token included in the request is invalid.";
  }
  if (header(request, "x-amz-security-token") !== (known.sessionToken ?? "")) {
    return "The security token included in the request is expired";
  }
  const at = header(request, "x-amz-date");
  const moment = Date.parse(
    at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (!at.startsWith(day) || !(Math.abs(now - moment) <= skewMaxMs)) {
    return `Signature expired: ${at} is now earlier than the current time minus 5 min.`;
  }
  const signed = names.split(";");
  const must = [
    "host",
    ...Object.keys(request.headers).filter((name) => name.startsWith("x-amz-")),
  ];
  if (!must.every((name) => signed.includes(name))) return "a header has to be signed and is not";
  const canonical = canonicalRequest(request, signed);
  const scope = [day, known.region, known.service, "aws4_request"];
  const text = ["AWS4-HMAC-SHA256", at, scope.join("/"), sha256(canonical)].join("\n");
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${known.secretAccessKey}`);
  if (timingSafeEqual(hmac(key, text), Buffer.from(signature, "hex"))) return null;
  // as AWS does it, with all that it took for the signature
  return (
    "The request signature we calculated does not match the signature you provided. " +
    `The Canonical String for this request should have been\n'${canonical}'`
  );
}

function canonicalRequest({ method, url, headers, body }: SignedRequest, signed: string[]): string {
  const [path = "/", query = ""] = url.split("?");
  const pairs = [...new URLSearchParams(query)].map(
    ([name, value]) => `${encoded(name)}=${encoded(value)}`,
  );
  return [
    method,
    path.split("/").map(encoded).join("/"),
    pairs.toSorted().join("&"),
    ...signed.map((name) => `${name}:${header({ headers }, name).trim().replace(/ +/g, " ")}`),
    "",
    signed.join(";"),
    sha256(body),
  ].join("\n");
}

function header({ headers }: Pick<SignedRequest, "headers">, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

/** RFC 3986, which leaves fewer characters alone than `encodeURIComponent`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
