import type { Revision, ServiceOutputs } from "../contract.ts";
import { workloadContent } from "./workload-revision.ts";

/**
 * The revision under a name that tells it from the primary. Two of one image have the same: the name of the new one then
 * says what else changed, as `6.9.1 (ConfigMap/settings 3f2a1c)`. A revision that the stack has already keeps its name.
 */
export function toldApart(revision: Revision, previous: ServiceOutputs | null): Revision {
  if (previous === null) return revision;
  const { assignment, configured } = previous;
  const { blue, green } = assignment.slots;
  const isNamed = (known: Revision): boolean =>
    known.name === revision.name || known.name.startsWith(`${revision.name} (`);
  const known = [configured, blue, green].filter((one) => one !== null).filter(isNamed);
  const same = known.find(({ id }) => id === revision.id);
  if (same !== undefined) return { ...revision, name: same.name };
  const primary = assignment.slots[assignment.primary];
  if (primary === null || !isNamed(primary)) return revision;
  const changed = changedConfigs(revision, primary);
  const what = changed.length === 0 ? revision.id : changed.join(", ");
  return { ...revision, name: `${revision.name} (${what})` };
}

/** Configuration whose content is another, each with the beginning of its hash. */
function changedConfigs(revision: Revision, from: Revision): readonly string[] {
  const { configs } = workloadContent(revision);
  const before = workloadContent(from).configs;
  return Object.entries(configs)
    .filter(([key, hash]) => before[key] !== hash)
    .map(([key, hash]) => `${key} ${hash.slice(0, 6)}`);
}
