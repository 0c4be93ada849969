/** Whether a text is one of these patterns, in which `*` stands for anything. */
export function matchesAny(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => expressionOf(pattern).test(text));
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern
    .split("*")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
