import { join, resolve } from "node:path";
import { findTool } from "../../tools/find.ts";
import { isWithin, parseVersion } from "../../tools/version.ts";
import { ProviderProcess } from "../adapters/provider-process.ts";
import { isSamePlace, moduleFile, packageDirectory } from "./project.ts";

/** What runs as long as a command does, so that no `up` pays for its start: about 0.5 s and 2 s. */
export interface Attachments {
  /** Variables by which the engine finds them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the engine finds the policy packs. */
  readonly policyPacks: readonly string[];
  stop(): void;
}

const ownPack = join(packageDirectory, "policies");
const providerFile = moduleFile("infra/local/provider");

/** CLIs that take a policy pack as an executable. */
const takesExecutables = { atLeast: "3.255.0", below: "4.0.0" };

/** Starts the provider of target `local` and this package's policy pack, each where it is used. */
export async function attach(
  usesProcesses: boolean,
  policyPacks: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Attachments> {
  const started: ProviderProcess[] = [];
  const stop = (): void => started.forEach((process) => process.stop());
  const variables: Record<string, string> = {};
  let packs = policyPacks;
  try {
    if (usesProcesses) {
      const until = { ...environment, UPRAMP_PROVIDER_UNTIL: "stdin" };
      const provider = await ProviderProcess.start(process.execPath, [providerFile], until);
      started.push(provider);
      variables["PULUMI_DEBUG_PROVIDERS"] = besideOthers(`upramp:${provider.port}`);
    }
    if (policyPacks.some(isOwnPack) && (await packsMayBeExecutables())) {
      const executable = join(ownPack, "bin", "pack");
      const until = { ...environment, UPRAMP_POLICY_UNTIL: "stdin" };
      // one that does not start must not be in the way of a rollback: a step forward has the engine start it, and say why
      const pack = await ProviderProcess.start(executable, [], until).catch(() => null);
      if (pack !== null) {
        started.push(pack);
        variables["UPRAMP_POLICY_PORT"] = String(pack.port);
      }
      packs = policyPacks.map((path) => (isOwnPack(path) ? executable : path));
    }
  } catch (error) {
    stop();
    throw error;
  }
  return { environment: variables, policyPacks: packs, stop };
}

/** The provider beside those that the user has attached. */
function besideOthers(provider: string): string {
  const others = process.env["PULUMI_DEBUG_PROVIDERS"];
  return [...(others === undefined ? [] : [others]), provider].join(",");
}

function isOwnPack(path: string): boolean {
  return isSamePlace(resolve(path), ownPack);
}

async function packsMayBeExecutables(): Promise<boolean> {
  const version = parseVersion((await findTool("pulumi"))?.version ?? "");
  return version !== undefined && isWithin(version, takesExecutables);
}
