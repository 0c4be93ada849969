import { z } from "zod";
import { ownersBelow } from "./directory-resource.ts";
import { LocalError } from "./local-error.ts";
import type { LocalResource } from "./local-resource.ts";

const inputsSchema = z.object({
  /** Directory below which each user of the guarded things has one of its own. */
  directory: z.string().min(1),
});

/**
 * Depends on what it guards, so it is the first to be deleted, and refuses that while somebody still uses it.
 */
export const destroyGuardResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: [],

  create(properties) {
    const inputs = inputsSchema.parse(properties);
    return Promise.resolve({ id: inputs.directory, state: inputs });
  },

  read(_id, properties) {
    return Promise.resolve(inputsSchema.parse(properties));
  },

  update(_id, _state, properties) {
    return Promise.resolve(inputsSchema.parse(properties));
  },

  async delete(_id, properties) {
    const { directory } = inputsSchema.parse(properties);
    const users = [...ownersBelow(directory)];
    if (users.length === 0) return;
    const commands = users.map(([, owner]) => `pulumi destroy --stack ${owner}`).join(", ");
    throw new LocalError(
      `${users.map(([name]) => name).join(", ")} still runs on this platform: run ${commands} first ` +
        `(if such a stack is lost, remove its directory below ${directory})`,
    );
  },
};
