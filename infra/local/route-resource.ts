import { rmSync } from "node:fs";
import { z } from "zod";
import { writeFileAtomically } from "./atomic-file.ts";
import { fill, readFilled } from "./fill.ts";
import type { LocalResource } from "./local-resource.ts";
import { readJsonIfAny } from "./read-file.ts";

const inputsSchema = z.object({
  path: z.string().min(1),
  /** JSON in which `{{ blue }}` and `{{ green }}` stand for the weights. */
  template: z.string(),
  weights: z.object({ blue: z.int(), green: z.int() }),
});
type RouteInputs = z.infer<typeof inputsSchema>;

function render({ template, weights }: RouteInputs): string {
  return JSON.stringify(fill(JSON.parse(template), weights), null, 1);
}

/**
 * The route file of one service. The weights are an input of their own, so that policies see them and
 * `ignoreChanges` can hold them.
 */
export const routeResource: LocalResource = {
  inputNames: Object.keys(inputsSchema.shape),
  replaceOn: ["path"],

  create(properties) {
    const inputs = inputsSchema.parse(properties);
    writeFileAtomically(inputs.path, render(inputs));
    return Promise.resolve({ id: inputs.path, state: inputs });
  },

  read(_id, properties) {
    const state = inputsSchema.parse(properties);
    const actual = readJsonIfAny(state.path);
    if (actual === null) return Promise.resolve(null);
    const weights = inputsSchema.shape.weights.safeParse(
      readFilled(JSON.parse(state.template), actual),
    );
    // something else in the file was changed: shown as a changed template, which the next update mends
    if (!weights.success) return Promise.resolve({ ...state, template: JSON.stringify(actual) });
    return Promise.resolve({ ...state, weights: weights.data });
  },

  update(_id, _state, properties) {
    const inputs = inputsSchema.parse(properties);
    writeFileAtomically(inputs.path, render(inputs));
    return Promise.resolve(inputs);
  },

  delete(_id, properties) {
    rmSync(inputsSchema.parse(properties).path, { force: true });
    return Promise.resolve();
  },
};
