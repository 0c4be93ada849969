import { z } from "zod";
import type { LocalResource } from "./local-resource.ts";
import { stopAllBut, unexpectedProcesses } from "./process-set.ts";

const inputsSchema = z.object({
  /** The directory of the processes. */
  directory: z.string().min(1),
  /** Names of the processes that are to run. */
  names: z.array(z.string()),
});

/**
 * Says that no other processes than these run from a directory. An update that was killed between the start of a
 * process and the note of it in the stack's state leaves one that no resource stands for; when the process is not
 * wanted any more, this one ends it.
 */
export const processSetResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["directory"],

  /** Looks at what runs, not only at the inputs. */
  differs(inputs) {
    const { directory, names } = inputsSchema.parse(inputs);
    return unexpectedProcesses(directory, names).length > 0;
  },

  async create(properties) {
    const inputs = inputsSchema.parse(properties);
    await stopAllBut(inputs.directory, inputs.names);
    return { id: inputs.directory, state: inputs };
  },

  read(_id, properties) {
    return Promise.resolve(inputsSchema.parse(properties));
  },

  async update(_id, _state, properties) {
    const inputs = inputsSchema.parse(properties);
    await stopAllBut(inputs.directory, inputs.names);
    return inputs;
  },

  delete() {
    return Promise.resolve();
  },
};
