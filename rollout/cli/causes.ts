/** More causes than this are a loop. */
const causesMax = 10;

/** The message of an error and of everything that caused it, a line each. */
export function causes(error: unknown): string {
  const lines: string[] = [];
  let cause = error;
  while (cause instanceof Error && lines.length < causesMax) {
    lines.push(cause.message);
    cause = cause.cause;
  }
  if (lines.length === 0) return `unknown error: ${JSON.stringify(error)}`;
  return lines.join("\n  because: ");
}
