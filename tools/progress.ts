/** What is happening to one tool. */
export type ToolEvent =
  | {
      readonly kind: "step";
      readonly tool: string;
      readonly text: string;
      /** How far it is (`12 of 90 MB`): changes often, for live lines only. */
      readonly amount?: string;
    }
  | { readonly kind: "done"; readonly tool: string; readonly text: string }
  | { readonly kind: "failed"; readonly tool: string; readonly text: string };

/** Told about each event while tools are being got. */
export type ToolProgress = (event: ToolEvent) => void;

/** Says nothing. */
export const silentProgress: ToolProgress = () => undefined;

/** The part of a terminal or file that progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawMs = 1_000;
const eraseLine = "\r\u001B[2K";

/**
 * One line a tool, with elapsed seconds. On a terminal the line is live; elsewhere the first step
 * of a kind and the end are printed, so that a log shows what a long build is.
 */
export function progressTo(stream: ProgressStream, now: () => number = Date.now): ToolProgress {
  let current: { tool: string; text: string; sinceMs: number; shown: string } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const seconds = (sinceMs: number): string => `${Math.round((now() - sinceMs) / 1000)} s`;
  const draw = (): void => {
    if (current === undefined || stream.isTTY !== true) return;
    const line = `${current.tool}: ${current.text}, ${seconds(current.sinceMs)}`;
    stream.write(eraseLine + line.slice(0, (stream.columns ?? 80) - 1));
  };
  return (event) => {
    if (current?.tool !== event.tool) {
      current = { tool: event.tool, text: "", sinceMs: now(), shown: "" };
    }
    if (event.kind === "step") {
      current.text = event.amount === undefined ? event.text : `${event.text}, ${event.amount}`;
      if (stream.isTTY === true) {
        timer ??= setInterval(draw, redrawMs);
        timer.unref();
        draw();
        return;
      }
      if (event.text !== current.shown) stream.write(`${event.tool}: ${event.text}\n`);
      current.shown = event.text;
      return;
    }
    clearInterval(timer);
    timer = undefined;
    const before = stream.isTTY === true ? eraseLine : "";
    stream.write(`${before}${event.tool}: ${event.text}, ${seconds(current.sinceMs)}\n`);
    current = undefined;
  };
}
