import { parseArgs } from "node:util";
import { UserError } from "../../rollout/errors.ts";

/** What the cluster's tests were asked for. */
export interface ClusterArgs {
  /** A kubeconfig context to run on, instead of a cluster of their own. */
  readonly context: string | undefined;
  /** Gateways of that context, as `parseGivenGateways` reads them. */
  readonly gateways: readonly string[];
  /** Only tests whose full title has this text. */
  readonly grep: string | undefined;
  readonly files: readonly string[];
}

const options = {
  context: { type: "string" },
  gateway: { type: "string", multiple: true },
  grep: { type: "string" },
} as const;

/** Reads the command line. @throws UserError on an option that is not known */
export function readClusterArgs(args: readonly string[]): ClusterArgs {
  const { values, positionals } = parse(args);
  const { context, gateway = [], grep } = values;
  return { context, gateways: gateway, grep, files: positionals };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}
