import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The folder of Pulumi.yaml, where relative paths of the configuration start and processes run, however the
 * program is started. A language host of an older release does not say it (the SDK then answers with a word that
 * is no path); then it is the nearest one above this program: the checkout, or the project that the package is
 * installed in.
 */
export function projectDirectory(): string {
  const said = pulumi.getRootDirectory();
  return isAbsolute(said) ? said : nearestProject(import.meta.dirname);
}

function nearestProject(folder: string): string {
  if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
  const above = dirname(folder);
  return above === folder ? process.cwd() : nearestProject(above);
}
