/** What AWS knows a caller by. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** A request as it goes out. */
export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  /** All that are signed beside the host; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AwsSignerOptions {
  /** Signing name of the service, such as `aps`. */
  readonly service: string;
  readonly region: string;
  /** Default: AWS's own chain (environment, profile, SSO, web identity, container, instance), which renews them 5 min early. */
  readonly credentials?: (() => Promise<AwsCredentials>) | undefined;
}

/** Signature Version 4. What it is made with is loaded at the first request, as most runs need none. */
export class AwsSigner {
  readonly #options: AwsSignerOptions;
  #loaded: ReturnType<typeof load> | undefined;

  constructor(options: AwsSignerOptions) {
    this.#options = options;
  }

  /** The request's headers and those that sign it. Rejects, in words for people, without credentials. */
  async sign(request: UnsignedRequest, at: Date = new Date()): Promise<Record<string, string>> {
    this.#loaded ??= load(this.#options);
    const sign = await this.#loaded;
    return sign(request, at);
  }
}

async function load({ service, region, credentials }: AwsSignerOptions) {
  const [{ SignatureV4 }, { Sha256 }, { defaultProvider }] = await Promise.all([
    import("@smithy/signature-v4"),
    import("@aws-crypto/sha256-js"),
    import("@aws-sdk/credential-provider-node"),
  ]);
  const provider = credentials ?? defaultProvider({ clientConfig: { region } });
  const signer = new SignatureV4({
    service,
    region,
    sha256: Sha256,
    credentials: () => provider().catch(refused),
    // the signature covers the body as it is; only S3 wants to be told its hash too
    applyChecksum: false,
  });
  return async ({ method, url, headers, body }: UnsignedRequest, at: Date) => {
    const { host, hostname, protocol, pathname, searchParams } = url;
    const query: Record<string, string[]> = {};
    for (const [name, value] of searchParams) (query[name] ??= []).push(value);
    const request = { method, protocol, hostname, path: pathname, query, body };
    const signed = await signer.sign(
      { ...request, headers: { ...headers, host } },
      { signingDate: at },
    );
    // whoever sends it says that itself
    const { host: _, ...rest } = signed.headers;
    return rest;
  };
}

/** The chain's own words tell which links were tried, and never a secret. */
function refused(error: unknown): never {
  const why = error instanceof Error ? error.message : String(error);
  throw new Error(
    `no AWS credentials (${why}): sign in with \`aws sso login\`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and ` +
      "AWS_SECRET_ACCESS_KEY, where upramp runs",
    { cause: error },
  );
}
