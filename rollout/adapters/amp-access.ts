import { z } from "zod";
import { AwsSigner, type AwsSignerOptions, type UnsignedRequest } from "./aws-signer.ts";
import type { Answer } from "./bounded-fetch.ts";
import { parseJson } from "./parse-json.ts";

/** Signing name of Amazon Managed Service for Prometheus. */
const signingName = "aps";

/** Queries of an Amazon Managed Prometheus: signed with AWS credentials, refused in AWS's words. */
export class AmpAccess {
  readonly #region: string;
  readonly #signer: AwsSigner;

  constructor({ region, credentials }: Omit<AwsSignerOptions, "service">) {
    this.#region = region;
    this.#signer = new AwsSigner({ service: signingName, region, credentials });
  }

  /**
   * The headers of a request with its signature. Rejects, in words for people, when there are no credentials, or none
   * within the bound.
   */
  async headers(
    request: UnsignedRequest,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    if (signal.aborted) throw new Error("interrupted");
    const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const { promise, reject } = Promise.withResolvers<never>();
    const give = (): void =>
      reject(
        new Error(signal.aborted ? "interrupted" : `no AWS credentials within ${timeoutMs} ms`),
      );
    either.addEventListener("abort", give, { once: true });
    try {
      return await Promise.race([this.#signer.sign(request), promise]);
    } finally {
      either.removeEventListener("abort", give);
    }
  }

  /**
   * What a refusal means and what to change; null when it is none of AWS's. AWS explains a wrong signature by what it
   * expected, a session token among it: such words are never passed on.
   */
  explain({ status, body }: Answer): string | null {
    const words = wordsOf(body);
    const known = refusals.find(
      (one) => one.words.test(words) || (one.status !== undefined && one.status === status),
    );
    if (known === undefined) return null;
    const told = known.isShown === true && words !== "" ? ` (${words.slice(0, wordsMax)})` : "";
    return `HTTP ${status}: ${known.means.replaceAll("REGION", this.#region)}${told}`;
  }
}

/** Words of AWS that are shown. */
const wordsMax = 300;

interface Refusal {
  readonly words: RegExp;
  /** Means the same whatever the words are, unless an earlier one fits them. */
  readonly status?: number;
  readonly means: string;
  readonly isShown?: boolean;
}

/** In this order: the first that fits. */
const refusals: readonly Refusal[] = [
  {
    words: /throttl|rate exceeded|too many requests/i,
    status: 429,
    means:
      "AWS throttles the queries of this workspace: give the rollout a longer interval or fewer metrics, or ask AWS for a higher quota",
    isShown: true,
  },
  {
    words: /signature (?:expired|not yet current)|signature.*(?:earlier|later) than|skew/i,
    means: "this machine's clock is not AWS's: set it right (a signature holds for 5 minutes)",
  },
  {
    words: /token\b.*\bexpired|expiredtoken/i,
    means:
      "the AWS credentials have expired: renew them where upramp runs (`aws sso login`, or new AWS_* variables)",
  },
  {
    words: /(?:valid|correct) region|credential should be scoped/i,
    means: 'the workspace is not in region "REGION": correct prometheus.amp.region',
  },
  {
    words: /signature.*does not match|signaturedoesnotmatch|incompletesignature/i,
    means:
      "AWS computes another signature: the secret key is not that of the access key, or something on the way changes requests",
  },
  {
    words: /token\b.*\binvalid|unrecognizedclient|invalidclienttokenid|invalidaccesskeyid/i,
    means: "AWS does not know these credentials: check which ones are set where upramp runs",
  },
  {
    words: /not authorized to perform/i,
    means: "the AWS credentials lack the right aps:QueryMetrics on the workspace",
    isShown: true,
  },
  {
    words: /missing authentication token|accessdenied/i,
    status: 403,
    means:
      'access refused: the AWS credentials need the right aps:QueryMetrics on the workspace, which must be in region "REGION"',
  },
  {
    words: /resourcenotfound|workspace not found/i,
    status: 404,
    means: 'region "REGION" has no such workspace: correct prometheus.amp',
  },
];

const wordsSchema = z.union([
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ Message: z.string() }).transform(({ Message }) => Message),
]);

/** What AWS says, on one line. */
function wordsOf(body: string): string {
  // what is not JSON is a proxy's own page, which the status must explain
  return (wordsSchema.safeParse(parseJson(body)).data ?? body).replace(/\s+/g, " ").trim();
}
