import * as pulumi from "@pulumi/pulumi";
import { ContractError, parse, serviceOutputsSchema, type ServiceOutputs } from "../contract.ts";
import { fullStackName, readOutputs } from "../stack-outputs.ts";

/**
 * What this stack said of its service after its last update; null before the first. Throws ContractError when it holds
 * another one.
 */
export async function previousOutputs(service: string): Promise<ServiceOutputs | null> {
  const found = await readOutputs(fullStackName(pulumi.getStack()));
  if (found === undefined) return null;
  const previous = parse(serviceOutputsSchema, found, "outputs of this stack");
  if (previous.service === service) return previous;
  throw new ContractError(
    `this stack runs "${previous.service}", and a stack keeps its service: ` +
      `make a new stack for "${service}"`,
  );
}
