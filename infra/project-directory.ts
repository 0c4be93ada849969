import { isAbsolute, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/**
 * The folder of Pulumi.yaml, where relative paths of the configuration start and processes run, however the
 * program is started. A language host of an older release does not say it (the SDK then answers with a word that
 * is no path); then it is the folder of this package, whose own Pulumi.yaml that is.
 */
export function projectDirectory(): string {
  const said = pulumi.getRootDirectory();
  return isAbsolute(said) ? said : join(import.meta.dirname, "..");
}
