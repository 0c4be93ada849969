import { JsonReporter } from "../report/json.ts";
import { TextReporter } from "../report/text.ts";
import type { Reporter } from "../ports.ts";

/** How a command speaks: results to stdout, everything else to stderr; one JSON object a line with --json. */
export interface Output {
  readonly reporter: Reporter;
  /** Something worth knowing that is not the result. */
  say(text: string): void;
  /** The result, as data for machines or as text for people. */
  result(data: Readonly<Record<string, unknown>>, text: () => string): void;
}

export function makeOutput(json: boolean): Output {
  const { stdout, stderr } = process;
  return {
    reporter: json
      ? new JsonReporter(stdout)
      : new TextReporter({ progress: stderr, result: stdout }),
    say: (text) => stderr.write(`${text}\n`),
    result: (data, text) =>
      stdout.write(json ? `${JSON.stringify({ version: 1, ...data })}\n` : `${text()}\n`),
  };
}
