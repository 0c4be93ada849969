import * as pulumi from "@pulumi/pulumi";
import {
  ContractError,
  configNamespace,
  driveKey,
  driveSchema,
  driverVariable,
  parse,
  type Drive,
} from "../contract.ts";

/**
 * What the driver wants of one update, from the configuration's text; null in a plain update. Throws ContractError
 * when the key is set and it was not the driver who set it.
 */
export function parseDrive(
  text: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Drive | null {
  const place = `${configNamespace}:${driveKey}`;
  if (text === undefined) return null;
  if (environment[driverVariable] !== "1") {
    throw new ContractError(
      `${place} is set, but only upramp may set it, for one update at a time: ` +
        `remove it with \`pulumi config rm ${place}\` and change weights with \`upramp run\``,
    );
  }
  return parse(driveSchema, JSON.parse(text), place);
}

/** What the driver wants of the update that this program runs in. */
export function currentDrive(): Drive | null {
  return parseDrive(pulumi.runtime.allConfig()[`${configNamespace}:${driveKey}`], process.env);
}
