import { quantityFactors } from "../../support/quantity-factors.ts";

/** A Kubernetes quantity ("100m", "64Mi", "1e3") as a number: cores, bytes or a count. */
export function parseQuantity(quantity: string): number {
  const match = /^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(quantity);
  const multiplier = quantityFactors[match?.[2] ?? ""];
  const number = Number(match?.[1]);
  if (multiplier === undefined || Number.isNaN(number)) {
    throw new Error(`"${quantity}" is not a quantity`);
  }
  return number * multiplier;
}
