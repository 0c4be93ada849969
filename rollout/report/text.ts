import type { Verdict } from "../core/analysis.ts";
import { primaryRevision } from "../core/assignment.ts";
import type { Reason } from "../core/reason.ts";
import type { RolloutSpec } from "../core/spec.ts";
import { isResting, rolloutWeight, type RolloutRecord } from "../core/state.ts";
import type { Reporter, RolloutEvent } from "../ports.ts";
import { durationText } from "./duration-text.ts";
import { LiveLine } from "./live-line.ts";
import { liveText } from "./live-text.ts";
import { plainText } from "./plain-text.ts";
import { decidedAt, positionOf, type Position } from "./position.ts";
import { reasonText } from "./reason-text.ts";
import { checkOf } from "./rollout-history.ts";
import { hangingText } from "./word-wrap.ts";
import { isTerminal, painter, type Paint, type Style, type TextStream } from "./terminal.ts";

export interface TextReporterOptions {
  /** Where lines go while it runs. */
  readonly progress: TextStream;
  /** Where the one line goes that says how it ended. */
  readonly result: TextStream;
  /** For NO_COLOR and TERM; default the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** IANA name; default the machine's own. */
  readonly timeZone?: string | undefined;
  /** Now, in milliseconds since the epoch, for the countdown; default the machine's clock. */
  readonly now?: (() => number) | undefined;
}

/** How often the countdown is drawn anew. */
const redrawMs = 500;

/** Where the text of a line begins, after time, place, weight and verdict. */
const textColumn = 36;

type Decided = Extract<RolloutEvent, { type: "decided" }>;
type Ended = Extract<RolloutEvent, { type: "ended" }>;

/**
 * For people: one line for each notable decision, time first; and, on a terminal, a live line below them
 * while something is awaited.
 */
export class TextReporter implements Reporter {
  readonly #options: TextReporterOptions;
  readonly #live: LiveLine | null;
  readonly #paint: Paint;
  readonly #paintResult: Paint;
  readonly #clockText: Intl.DateTimeFormat;
  #spec: RolloutSpec | null = null;
  #last: Decided | null = null;
  #tookMs: number | null = null;
  #redraw: NodeJS.Timeout | null = null;

  constructor(options: TextReporterOptions) {
    const { progress, result, environment = process.env } = options;
    this.#options = options;
    this.#live = isTerminal(progress, environment) ? new LiveLine(progress) : null;
    this.#paint = painter(progress, environment);
    this.#paintResult = painter(result, environment);
    this.#clockText = new Intl.DateTimeFormat("en-GB", {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZone: options.timeZone,
    });
  }

  report(event: RolloutEvent): void {
    switch (event.type) {
      case "started":
        this.#spec = event.spec;
        this.#started(event.at, event.record, event.spec);
        return;
      case "decided":
        this.#spec = event.spec;
        this.#last = event;
        if (event.notable) this.#decided(event);
        this.#draw();
        return;
      case "acted":
        this.#tookMs = event.failure === null ? event.tookMs : null;
        return;
      case "ended":
        this.#ended(event);
        return;
    }
  }

  /** A line of its own among the others, without disturbing the live line. */
  say(text: string): void {
    this.#live?.clear();
    this.#options.progress.write(`${text}\n`);
  }

  /** Leaves the terminal as it was found; `ended` does it too. Safe to call at any time, more than once. */
  close(): void {
    if (this.#redraw !== null) clearInterval(this.#redraw);
    this.#redraw = null;
    this.#live?.clear();
  }

  #started(at: number, record: RolloutRecord, spec: RolloutSpec): void {
    const { state, service, wanted } = record;
    const primary = primaryRevision(state.assignment).name;
    const text = isResting(state)
      ? `primary ${primary}, wanted ${wanted.name}; steps ${spec.steps.map(({ weight }) => weight).join(", ")} %, a check every ${durationText(spec.intervalMs)}`
      : `going on with the rollout of ${state.rollout.to.name} that began at ${this.#time(state.rollout.startedAt)}`;
    this.#line(at, positionOf(spec, state), null, `${service}: ${text}`);
    if (this.#live !== null && this.#redraw === null) {
      this.#redraw = setInterval(() => this.#draw(), redrawMs).unref();
    }
  }

  #decided({ at, reason, record }: Decided): void {
    if (this.#spec === null) return;
    const position = decidedAt(this.#spec, record.state, reason);
    const text = finalText(record, reason) ?? reasonText(reason, (time) => this.#time(time));
    const next = this.#next(reason, record);
    const took =
      reason.kind === "routerConfirmed" && this.#tookMs !== null
        ? ` (${durationText(this.#tookMs)})`
        : "";
    if (reason.kind === "routerConfirmed") this.#tookMs = null;
    this.#line(at, position, checkOf(reason)?.verdict ?? null, `${text}${next}${took}`);
  }

  /** Where a passed step leads. */
  #next(reason: Reason, record: RolloutRecord): string {
    if (this.#spec === null || reason.kind !== "stepPassed") return "";
    const { state } = record;
    if (state.phase === "waiting") return "; held: `upramp promote` to go on";
    return state.phase === "promoting" ? " → promotion" : ` → ${rolloutWeight(state)} %`;
  }

  #line(at: number, { place, weight }: Position, verdict: Verdict | null, text: string): void {
    const columns = [
      this.#paint("dim", this.#time(at)),
      place.padEnd(10),
      `${weight} %`.padStart(5),
      verdictCell(verdict, this.#paint),
    ];
    this.say(`${columns.join("  ")}  ${this.#hanging(plainText(text))}`);
  }

  /** On a terminal a long text stays in its column; in a file one decision is one line. */
  #hanging(text: string): string {
    const { columns } = this.#options.progress;
    if (this.#live === null || columns === undefined) return text;
    return hangingText(text, columns - textColumn - 1, textColumn);
  }

  #ended({ outcome, reason, record }: Ended): void {
    this.close();
    const time = (at: number): string => this.#time(at);
    const [style, word] = outcomes[outcome];
    const head = this.#paintResult(style, `${record.service}: ${word}`);
    const unfinished = reason === null || outcome === "underWay";
    const text = unfinished ? unfinishedText(record) : endText(record, reason, time);
    this.#options.result.write(`${head}${text === "" ? "" : `: ${plainText(text)}`}\n`);
  }

  #draw(): void {
    if (this.#live === null || this.#spec === null || this.#last === null) return;
    const now = this.#options.now?.() ?? Date.now();
    this.#live.show(liveText(this.#spec, this.#last, now));
  }

  #time(at: number): string {
    return this.#clockText.format(at);
  }
}

/** The last line before the result, which says the rest; null while it is not over. */
function finalText({ state }: RolloutRecord, reason: Reason): string | null {
  if (state.phase === "succeeded" && reason.kind === "bakeOver") {
    return `only ${state.rollout.to.name} is left`;
  }
  if (state.phase === "failed" && reason.kind === "rolledBack") {
    return `only ${state.rollout.from.name} is left`;
  }
  return null;
}

const outcomes: Readonly<Record<Ended["outcome"], readonly [Style, string]>> = {
  promoted: ["green", "promoted"],
  upToDate: ["green", "up to date"],
  rolledBack: ["red", "rolled back"],
  stopped: ["yellow", "stopped"],
  interrupted: ["yellow", "interrupted"],
  underWay: ["yellow", "under way"],
};

const verdictWords: Readonly<Record<Verdict, readonly [Style, string]>> = {
  pass: ["green", "pass"],
  fail: ["red", "FAIL"],
  inconclusive: ["yellow", "blind"],
  error: ["yellow", "blind"],
};

function verdictCell(verdict: Verdict | null, paint: Paint): string {
  const width = 5;
  if (verdict === null) return " ".repeat(width);
  const [style, word] = verdictWords[verdict];
  return paint(style, word) + " ".repeat(width - word.length);
}

/** How it ended, with what was measured and how long it took. */
function endText(record: RolloutRecord, reason: Reason, time: (at: number) => string): string {
  const { state } = record;
  if (state.phase === "succeeded" && reason.kind === "bakeOver") {
    const { rollout } = state;
    const took = durationText(state.finishedAt - rollout.startedAt);
    return `${rollout.to.name} in the place of ${rollout.from.name}, after ${took}; failed checks ${rollout.failedChecks}`;
  }
  if (state.phase === "failed" && reason.kind === "rolledBack") {
    const { rollout } = state;
    const took = durationText(state.finishedAt - rollout.startedAt);
    const words = withoutHead(reasonText(reason, time), "rolled back: ");
    return `${rollout.to.name} after ${took}, ${rollout.from.name} has all requests; ${words}`;
  }
  if (reason.kind === "upToDate") return `${primaryRevision(state.assignment).name} is the primary`;
  return withoutHead(reasonText(reason, time), "stopped: ");
}

function withoutHead(text: string, head: string): string {
  return text.startsWith(head) ? text.slice(head.length) : text;
}

function unfinishedText(record: RolloutRecord): string {
  const { state } = record;
  if (isResting(state)) return "nothing was under way";
  const { rollout } = state;
  const weight = rolloutWeight(state);
  return (
    `${rollout.to.name} keeps ${weight} % of the requests, ${rollout.from.name} ${100 - weight} %. ` +
    "To go on: `upramp run`; to go back: `upramp rollback`; to look: `upramp status`"
  );
}
