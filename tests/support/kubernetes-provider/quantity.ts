import { quantityFactors } from "../quantity-factors.ts";

/** Fields whose values, or whose entries' values, are quantities, which the server respells. */
const quantityFields = new Set(["averageValue", "sizeLimit", "limits", "requests", "storage"]);

/** Whether `a` and `b` are one quantity in two spellings, such as `0.5` and `500m`. */
export function sameQuantity(keys: readonly (string | number)[], a: unknown, b: unknown): boolean {
  if (!keys.slice(-2).some((key) => quantityFields.has(String(key)))) return false;
  const first = parse(a);
  return first !== undefined && first === parse(b);
}

function parse(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const [, digits, suffix] = /^([+-]?[0-9.]+)([A-Za-z]*)$/.exec(value) ?? [];
  const factor = quantityFactors[suffix ?? ""];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
