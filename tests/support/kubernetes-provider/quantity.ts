/** Powers of the suffixes of a Kubernetes quantity. */
const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

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
  const factor = factors[suffix ?? ""];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}
