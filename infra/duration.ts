import { z } from "zod";

const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** "250ms", "10s", "1.5m", "2h" → milliseconds. */
export const duration = z.string().transform((text, context): number => {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    context.addIssue(
      `"${text}" is not a duration; write a number and ms, s, m or h, such as "10s"`,
    );
    return z.NEVER;
  }
  // the pattern admits only the keys of unitMs
  return Math.round(Number(amount) * unitMs[unit as keyof typeof unitMs]);
});
