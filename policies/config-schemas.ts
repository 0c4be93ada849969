/** Pieces of the configuration that rules take, as JSON schema. */

/** A list of texts; the default is what holds when nobody sets it. */
export function texts(description: string, defaults: readonly string[] = []): TextsSchema {
  return {
    type: "array",
    items: { type: "string", minLength: 1 },
    default: [...defaults],
    description,
  };
}

/** A switch. */
export function flag(description: string): FlagSchema {
  return { type: "boolean", default: false, description };
}

/** A whole number in a range, both ends included. */
export function whole(
  description: string,
  range: { readonly minimum: number; readonly maximum: number },
  value: number,
): WholeSchema {
  return { type: "integer", ...range, default: value, description };
}

/** A list of texts in the settings of a rule. */
export interface TextsSchema {
  readonly type: "array";
  readonly items: { readonly type: "string"; readonly minLength: 1 };
  readonly default: string[];
  readonly description: string;
}

interface FlagSchema {
  readonly type: "boolean";
  readonly default: false;
  readonly description: string;
}

interface WholeSchema {
  readonly type: "integer";
  readonly minimum: number;
  readonly maximum: number;
  readonly default: number;
  readonly description: string;
}
