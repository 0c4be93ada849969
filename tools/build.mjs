// `npm run build`, and before every `npm pack`: writes to `dist` what an installed package runs. Node strips no types
// under node_modules, so a package holds JavaScript; the folders are those of the sources, so that what finds a file
// beside itself finds it there as well. Plain JavaScript for any Node that npm runs on.
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const checkout = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(checkout, "dist");

/** Read at run time and not imported, so that the compiler does not know them. */
const alsoNeeded = [
  "infra/local/bin",
  "infra/platform/rollout-dashboard.json",
  "policies/PulumiPolicy.yaml",
  "policies/bin",
  "policies/config.schema.json",
  "policies/package.json",
  // the Go modules of the tools that a rollout needs; those of the test cluster stay in the checkout
  "tools/go/prometheus",
  "tools/go/pulumi",
  "tools/go/pulumi-language-nodejs",
];

rmSync(dist, { recursive: true, force: true });
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const args = [compiler, "--project", join(checkout, "tsconfig.build.json")];
const compiled = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
if (compiled.error !== undefined) throw compiled.error;
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const path of alsoNeeded) cpSync(join(checkout, path), join(dist, path), { recursive: true });
