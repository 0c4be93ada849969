import { rmSync } from "node:fs";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import type { LocalResource } from "./local-resource.ts";
import { readFileIfAny } from "./read-file.ts";

const inputsSchema = z.object({ path: z.string().min(1), content: z.string() });

/** A whole file of given content, replaced by rename(2). */
export const fileResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["path"],

  create(properties) {
    const inputs = inputsSchema.parse(properties);
    writeFileAtomically(inputs.path, inputs.content);
    return Promise.resolve({ id: inputs.path, state: inputs });
  },

  read(_id, properties) {
    const state = inputsSchema.parse(properties);
    const content = readFileIfAny(state.path);
    return Promise.resolve(content === null ? null : { ...state, content });
  },

  update(_id, _state, properties) {
    const inputs = inputsSchema.parse(properties);
    writeFileAtomically(inputs.path, inputs.content);
    return Promise.resolve(inputs);
  },

  delete(_id, properties) {
    rmSync(inputsSchema.parse(properties).path, { force: true });
    return Promise.resolve();
  },
};
