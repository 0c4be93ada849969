import { type Fields, isFields, nameOf, namespaceOf } from "./kubernetes-object.ts";
import { writeCheckpoint } from "./live-state.ts";
import { conceal } from "./property-values.ts";

/** A resource as the engine is told it. */
export interface Outcome {
  /** `namespace/name`, or `name`; "" in a preview or when it is gone. */
  readonly id: string;
  readonly properties: Fields;
  readonly inputs: Fields;
}

/** The object was written, but something about it is not as it must be. */
export class PartialFailure extends Error {
  override readonly name = "PartialFailure";
  readonly outcome: Outcome;
  readonly reasons: readonly string[];

  constructor(outcome: Outcome, message: string, errors: readonly string[]) {
    super(message);
    this.outcome = outcome;
    this.reasons = [message, ...errors];
  }
}

/**
 * @param live    the object as the server has it
 * @param object  the inputs, revealed
 * @param inputs  the inputs as the engine sent them, which tell what is secret
 * @param manager owner of the fields that the resource sets
 */
export function outcomeOf(live: Fields, object: Fields, inputs: Fields, manager: string): Outcome {
  const concealed = conceal(object, inputs);
  const properties = writeCheckpoint({
    live: conceal(live, withEncodedData(live, inputs)),
    inputs: concealed,
    fieldManager: manager,
  });
  return { id: idOf(live), properties, inputs: concealed };
}

/** A Secret's `stringData` comes back in `data`, which is then as secret. */
function withEncodedData(live: Fields, inputs: Fields): Fields {
  const { stringData, data } = inputs;
  if (live["kind"] !== "Secret" || stringData === undefined) return inputs;
  if (!isFields(stringData) || !isFields(data ?? {})) return { ...inputs, data: stringData };
  return { ...inputs, data: { ...stringData, ...(isFields(data) ? data : {}) } };
}

/** The resource's id: `namespace/name`, or `name`. */
export function idOf(object: Fields): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}
