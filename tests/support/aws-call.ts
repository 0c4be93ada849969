import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";

/** Keys of a user of AWS. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A call to AWS: by action for the services of its query protocol, else by method and path. */
export type AwsCall =
  | {
      readonly service: string;
      readonly action: string;
      readonly version: string;
      readonly parameters?: Readonly<Record<string, string>>;
    }
  | {
      readonly service: string;
      readonly method: string;
      readonly path: string;
      readonly body?: object;
    };

/** What was answered: the status, and the body as text. */
export interface AwsAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a signed call to a server that stands for AWS, at this URL. */
export async function callAws(url: string, keys: AwsKeys, call: AwsCall): Promise<AwsAnswer> {
  const { hostname, port, host } = new URL(url);
  const isQuery = "action" in call;
  const body = isQuery
    ? new URLSearchParams({
        Action: call.action,
        Version: call.version,
        ...call.parameters,
      }).toString()
    : call.body === undefined
      ? ""
      : JSON.stringify(call.body);
  const type = isQuery ? "application/x-www-form-urlencoded" : "application/json";
  const signer = new SignatureV4({
    service: call.service,
    region: "us-east-1",
    credentials: keys,
    sha256: Sha256,
  });
  const signed = await signer.sign({
    protocol: "http:",
    hostname,
    port: Number(port),
    method: isQuery ? "POST" : call.method,
    path: isQuery ? "/" : call.path,
    query: {},
    headers: { host, "content-type": type },
    body,
  });
  const { host: _own, ...headers } = signed.headers;
  const response = await fetch(`${url}${signed.path}`, {
    method: signed.method,
    headers,
    ...(body === "" ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}
