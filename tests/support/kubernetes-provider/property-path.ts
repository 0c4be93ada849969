/** A key, an index, or `*` for each of them. */
export type PathPart = string | number;

/** Matches one step: `.key`, `key`, `[3]`, `[*]`, `["any key"]`. */
const step = /\.?(?:\[(\d+)\]|\[(\*)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]"]+))/y;

/**
 * Parses a path as resource options and diffs spell them.
 *
 * @throws Error naming the path when it is not one
 */
export function parsePropertyPath(path: string): readonly PathPart[] {
  const parts: PathPart[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const [, index, star, quoted, plain] = step.exec(path) ?? [];
    if (index !== undefined) parts.push(Number(index));
    else if (star !== undefined) parts.push("*");
    else if (quoted !== undefined) parts.push(quoted.replaceAll(/\\(.)/g, "$1"));
    else if (plain !== undefined) parts.push(plain);
    else throw new Error(`${JSON.stringify(path)} is not a property path`);
  }
  return parts;
}

/** Spells a path as the engine does. */
export function formatPropertyPath(parts: readonly PathPart[]): string {
  let path = "";
  for (const part of parts) {
    if (typeof part === "number") path += `[${part}]`;
    else if (/[."[\]]/.test(part)) path += `["${part.replaceAll('"', String.raw`\"`)}"]`;
    else path += path === "" ? part : `.${part}`;
  }
  return path;
}

/** Whether `pattern` is `path` or something above it; `*` stands for any one step. */
export function contains(pattern: readonly PathPart[], path: readonly PathPart[]): boolean {
  return (
    pattern.length <= path.length &&
    pattern.every((part, position) => part === "*" || part === path[position])
  );
}
