import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeAddress } from "./addresses.ts";

/** Files of the cluster's own certificate authority and of what it signed. All PEM. */
export interface Certificates {
  readonly caCertificate: string;
  /** Serving certificate and key, good for 127.0.0.1 and the node's address. */
  readonly servingCertificate: string;
  readonly servingKey: string;
  /** RSA key that signs service account tokens. */
  readonly serviceAccountKey: string;
}

/** Longer than any run; a cluster never outlives the process that started it. */
const validityDays = "7";

/** Makes a new authority and certificates in `folder`, with openssl. Takes about 150 ms. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  const openssl = (words: string): void => {
    execFileSync("openssl", words.split(" "), { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  };
  const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  openssl(
    `req -x509 ${newKey} -days ${validityDays} -subj /CN=upramp-test-ca ` +
      "-addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt",
  );
  writeFileSync(
    path("serving.ext"),
    `subjectAltName=IP:127.0.0.1,IP:${nodeAddress}\nextendedKeyUsage=serverAuth\n`,
  );
  openssl(`req ${newKey} -subj /CN=upramp-test -keyout serving.key -out serving.csr`);
  openssl(
    `x509 -req -in serving.csr -days ${validityDays} -CA ca.crt -CAkey ca.key -CAcreateserial ` +
      "-extfile serving.ext -out serving.crt",
  );
  openssl("genrsa -out service-account.key 2048");
  return {
    caCertificate: path("ca.crt"),
    servingCertificate: path("serving.crt"),
    servingKey: path("serving.key"),
    serviceAccountKey: path("service-account.key"),
  };
}
