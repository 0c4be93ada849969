#!/usr/bin/env node
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { become, findNode, nodeMajorMin, packageFolder } from "../tools/launch.mjs";

const node = findNode();
if (node === undefined) {
  process.stderr.write(
    `upramp needs Node ${nodeMajorMin} or newer; this is ${process.versions.node}. ` +
      "Install it from https://nodejs.org, or run `npm ci` in a checkout of upramp.\n",
  );
  process.exit(2);
}
// An installed package holds JavaScript: Node strips no types under node_modules.
const compiled = join("dist", "rollout", "cli", "main.js");
const isCompiled = existsSync(join(packageFolder, compiled));
become(node, isCompiled ? compiled : join("rollout", "cli", "main.ts"), process.argv.slice(2));
