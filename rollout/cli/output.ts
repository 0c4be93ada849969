import { JsonReporter } from "../report/json.ts";
import { TextReporter } from "../report/text.ts";
import type { TextStream } from "../report/terminal.ts";
import type { Reporter } from "../ports.ts";

/** How a command speaks: results to stdout, everything else to stderr; one JSON object a line with --json. */
export interface Output {
  readonly reporter: Reporter;
  /** Something worth knowing that is not the result. */
  say(text: string): void;
  /** Leaves the terminal as it was found. Safe to call more than once. */
  close(): void;
  /** The result, as data for machines or as text for people. */
  result(data: Readonly<Record<string, unknown>>, text: () => string): void;
}

export function makeOutput(
  json: boolean,
  { stdout, stderr }: { readonly stdout: TextStream; readonly stderr: TextStream } = process,
): Output {
  if (json) {
    return {
      reporter: new JsonReporter(stdout),
      say: (text) => stderr.write(`${text}\n`),
      close: () => {},
      result: (data) => stdout.write(`${JSON.stringify({ version: 1, ...data })}\n`),
    };
  }
  const reporter = new TextReporter({ progress: stderr, result: stdout });
  return {
    reporter,
    // not past it: it may have a live line
    say: (text) => reporter.say(text),
    close: () => reporter.close(),
    result: (_data, text) => stdout.write(`${text()}\n`),
  };
}
