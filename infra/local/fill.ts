/**
 * A copy of plain JSON data in which each string that is exactly `{{ name }}` became the value of that
 * name (of any type), and each such part of a longer string its text. Unknown names stay as they are.
 */
export function fill(data: unknown, values: Readonly<Record<string, string | number>>): unknown {
  if (typeof data === "string") return fillText(data, values);
  if (Array.isArray(data)) return data.map((item) => fill(item, values));
  if (typeof data === "object" && data !== null) {
    return Object.fromEntries(Object.entries(data).map(([key, item]) => [key, fill(item, values)]));
  }
  return data;
}

const placeholder = /\{\{\s*([\w.-]+)\s*\}\}/g;
const onlyPlaceholder = /^\{\{\s*([\w.-]+)\s*\}\}$/;

function fillText(
  text: string,
  values: Readonly<Record<string, string | number>>,
): string | number {
  const [, whole] = onlyPlaceholder.exec(text) ?? [];
  if (whole !== undefined && values[whole] !== undefined) return values[whole];
  return text.replaceAll(placeholder, (part, name: string) => String(values[name] ?? part));
}

/**
 * The values at the places of the placeholders: what `fill` of the same template would have been given.
 * Null when the data does not have the template's shape.
 */
export function readFilled(template: unknown, data: unknown): Record<string, unknown> | null {
  const found: Record<string, unknown> = {};
  return collect(template, data, found) ? found : null;
}

function collect(template: unknown, data: unknown, found: Record<string, unknown>): boolean {
  if (typeof template === "string") {
    const [, name] = onlyPlaceholder.exec(template) ?? [];
    if (name === undefined) return template === data;
    found[name] = data;
    return true;
  }
  if (typeof template !== "object" || template === null) return template === data;
  if (typeof data !== "object" || data === null) return false;
  const keys = Object.keys(template);
  return (
    keys.length === Object.keys(data).length &&
    keys.every((key) => collect(Reflect.get(template, key), Reflect.get(data, key), found))
  );
}
