import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ContractError, outputName, parse } from "./contract.ts";

/**
 * The `upramp` output of a stack as its last update left it, undefined when it has none. It is read by the
 * function behind StackReference, so it adds no resource to the stack.
 */
export async function readOutputs(stack: string): Promise<unknown> {
  const result: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {
    name: stack,
  });
  const { outputs } = parse(
    z.looseObject({ outputs: z.record(z.string(), z.unknown()) }),
    result,
    `outputs of ${stack}`,
  );
  return outputs[outputName];
}

/** `dev` → `organization/project/dev`; names with slashes are taken as they are. */
export function fullStackName(written: string): string {
  if (written.split("/").length === 3) return written;
  const stack = written.split("/").length === 2 ? written : `${pulumi.getProject()}/${written}`;
  return `${pulumi.getOrganization()}/${stack}`;
}

/** As `readOutputs`, of another stack, which has to be there. */
export async function readPlatformOutputs(written: string): Promise<unknown> {
  const hint = `create it first with \`pulumi up --stack ${written}\`, or correct upramp:platform`;
  let outputs: unknown;
  try {
    outputs = await readOutputs(fullStackName(written));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ContractError(`platform stack "${written}" cannot be read (${why}): ${hint}`);
  }
  if (outputs === undefined) {
    throw new ContractError(`platform stack "${written}" has no platform: ${hint}`);
  }
  return outputs;
}
