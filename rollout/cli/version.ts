import { createRequire } from "node:module";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";

const manifestSchema = z.looseObject({ version: z.string() });

/** The version of this package. */
export function packageVersion(): string {
  // found by the package's own name: a checkout and an installed package have it at different distances
  const manifest: unknown = createRequire(import.meta.url)("upramp/package.json");
  return parse(manifestSchema, manifest, "package.json of upramp").version;
}
