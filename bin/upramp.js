#!/usr/bin/env node
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { become, findNode, nodeMajorMin, packageFolder } from "../tools/launch.mjs";

const node = findNode();
if (node === undefined) {
  process.stderr.write(
    `upramp needs Node ${nodeMajorMin} or newer; this is ${process.versions.node}. ` +
      "Install it from https://nodejs.org, or the npm package `node` beside upramp (in a checkout: `npm ci`).\n",
  );
  process.exit(2);
}
// An installed package holds only JavaScript: Node strips no types under node_modules. In a checkout the sources
// are run, for what is in `dist` there may be older.
const source = join("rollout", "cli", "main.ts");
const isCheckout = existsSync(join(packageFolder, source));
become(
  node,
  isCheckout ? source : join("dist", "rollout", "cli", "main.js"),
  process.argv.slice(2),
);
